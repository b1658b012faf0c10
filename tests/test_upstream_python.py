"""llama-cpp-python's own tests pass with `drugs_cpp.Llama` in place of `llama_cpp.Llama`, unchanged."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from conftest import built_by_make
from support.upstream_models import write_upstream_models
from upstream_source import find_source

HERE = Path(__file__).parent / "upstream_python"

#: the tests, and the files that they read
NEEDED = ("tests/test_*.py", "vendor/llama.cpp/models/ggml-vocab-llama-spm.gguf")


def unpack(folder: Path) -> None:
    """Put upstream's tests, and the files that they read, into a folder."""
    source = find_source()
    if source.is_dir():
        for path in (path for pattern in NEEDED for path in source.glob(pattern)):
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    else:
        with tarfile.open(source) as archive:
            for member in archive:
                inside = member.name.partition("/")[2]
                content = archive.extractfile(member) if any(fnmatchcase(inside, name) for name in NEEDED) else None
                if content is not None:
                    target = folder / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upstream")
    unpack(folder)
    if not (folder / "tests").is_dir():
        pytest.skip("what DRUGS_CPP_UPSTREAM names has no tests of llama-cpp-python: run without it")
    return folder


@pytest.fixture(scope="module")
def models(tests: Path) -> Path:
    """The file from which the plugin knows the models."""
    source = "".join(path.read_text(encoding="utf-8") for path in (tests / "tests").glob("*.py"))
    written = write_upstream_models(tests, built_by_make("DRUGS_TEST_LLAMA_ARCHS"), source)
    (tests / "models.json").write_text(json.dumps(written), encoding="utf-8")
    return tests / "models.json"


@pytest.mark.parametrize("package", ["llama_cpp", "drugs_cpp"])
def test_upstreams_own_tests_pass(tests: Path, models: Path, package: str) -> None:
    """With upstream's own class, too, and without a patch: otherwise, a model would be at fault."""
    library = {"LLAMA_CPP_LIB_PATH": built_by_make("DRUGS_UNPATCHED_LIB")} if package == "llama_cpp" else {}
    options = ["--noconftest", "-p", "upstream_python_plugin", "-p", "no:cacheprovider", "-q", "-rf"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"],
        cwd=tests,
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DRUGS_UPSTREAM_CLASS": package,
            "DRUGS_UPSTREAM_MODELS": str(models),
            **library,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 26
