"""Makes llama-cpp-python load the libraries in this package."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from drugs_cpp._processor import check_processor

#: the version whose source the libraries were built from, so that the struct layouts match
UPSTREAM_VERSION = "0.3.36"

_DISTRIBUTION = "llama-cpp-python"

#: environment variables that llama-cpp-python reads on import: where its libraries and its multimodal library are
_PATH_VARIABLES = ("LLAMA_CPP_LIB_PATH", "MTMD_CPP_LIB")

# without its own copy of llama.cpp, which would be compiled in vain
_INSTALL = (
    f'CMAKE_ARGS="-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF" pip install --no-cache-dir {_DISTRIBUTION}=={UPSTREAM_VERSION}'
)


def use_own_libraries(folder: Path = Path(__file__).parent / "lib") -> None:
    """Point llama-cpp-python to ``folder``. Call this before anything here imports ``llama_cpp``.

    Raises:
        ImportError: llama-cpp-python is missing, has another version, or has already loaded other libraries;
            or this package was not built, or was built for another processor. The message says what to do.
    """
    _check_version()
    loaded = _loaded_from()
    if loaded is not None and not _same(loaded, folder):
        raise ImportError(
            f"llama_cpp was imported before drugs_cpp and uses its own libraries ({loaded}): import drugs_cpp first"
        )
    if not folder.is_dir():
        raise ImportError(f"{folder} is missing: this copy of drugs_cpp was not built; run pip install on its source")
    check_processor(folder)
    os.environ.update(dict.fromkeys(_PATH_VARIABLES, str(folder)))


def _check_version() -> None:
    try:
        version = importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"drugs_cpp needs {_DISTRIBUTION} {UPSTREAM_VERSION}: {_INSTALL}") from None
    if version.partition("+")[0] != UPSTREAM_VERSION:
        raise ImportError(
            f"drugs_cpp was built for {_DISTRIBUTION} {UPSTREAM_VERSION}, but {version} is installed: {_INSTALL}"
        )


def _loaded_from() -> Path | None:
    """Return the folder from which llama-cpp-python has loaded its libraries, or None if it has not yet."""
    bindings = sys.modules.get("llama_cpp.llama_cpp")
    return None if bindings is None else Path(bindings._base_path)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
