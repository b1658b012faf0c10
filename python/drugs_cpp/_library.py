"""Makes llama-cpp-python, whose Python files are in this package, load the libraries in this package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from drugs_cpp._processor import check_processor

#: of llama-cpp-python, whose source the libraries were built from, so that the struct layouts match
UPSTREAM_VERSION = "0.3.36"

#: environment variables that llama-cpp-python reads on import: where its libraries and its multimodal library are
_PATH_VARIABLES = ("LLAMA_CPP_LIB_PATH", "MTMD_CPP_LIB")


def use_own_libraries(package: Path = Path(__file__).parent) -> None:
    """Let ``import llama_cpp`` find the copy in ``package``, with its libraries. Call this before anything imports it.

    An installed llama-cpp-python stays as it is: only this process does not see it.

    Raises:
        ImportError: another llama-cpp-python has been imported already, or this package was not built, or was built for
            another processor. The message says what to do.
    """
    folder = package / "lib"
    loaded = _loaded_from()
    if loaded is not None and not (_same(loaded, folder) and _loaded_version() == UPSTREAM_VERSION):
        raise ImportError(
            f"llama_cpp {_loaded_version()} was imported before drugs_cpp and uses its own libraries ({loaded}): "
            "import drugs_cpp first"
        )
    if not folder.is_dir():
        raise ImportError(f"{folder} is missing: this copy of drugs_cpp was not built; run pip install on its source")
    check_processor(folder)
    _put_first(str(package / "llama_cpp_python"))
    if sys.platform == "win32":
        os.add_dll_directory(str(folder))
    os.environ.update(dict.fromkeys(_PATH_VARIABLES, str(folder)))


def _put_first(folder: str) -> None:
    sys.path[:] = [folder, *(path for path in sys.path if path != folder)]


def _loaded_from() -> Path | None:
    """Return the folder from which llama-cpp-python has loaded its libraries, or None if it has not yet."""
    bindings = sys.modules.get("llama_cpp.llama_cpp")
    return None if bindings is None else Path(bindings._base_path)


def _loaded_version() -> str:
    return str(getattr(sys.modules.get("llama_cpp"), "__version__", "of unknown version"))


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
