"""What type checkers say of right and wrong uses of the package, in ``tests/typed/uses.py``."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import site
import subprocess
import sys
from pathlib import Path

import pytest

import drugs_cpp

USES = Path(__file__).parent / "typed" / "uses.py"

#: where the package is, if a type checker does not look there itself
FOLDER = Path(drugs_cpp.__file__).parents[1]
ELSEWHERE = [] if str(FOLDER) in site.getsitepackages() else [str(FOLDER)]


def marked_lines() -> set[int]:
    lines = USES.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# error")}


def check(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(ELSEWHERE)}
    result = subprocess.run(
        [sys.executable, "-m", *command, str(USES)],
        cwd=folder,  # not where pyproject.toml is
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed: make test")
def test_mypy(tmp_path: Path) -> None:
    said = check(["mypy", "--strict", "--cache-dir", str(tmp_path)], tmp_path)
    lines = re.findall(rf"^{re.escape(str(USES))}:(\d+): error: ", said, re.MULTILINE)
    assert set(map(int, lines)) == marked_lines(), said


@pytest.mark.skipif(importlib.util.find_spec("basedpyright") is None, reason="basedpyright is not installed: make test")
def test_pyright(tmp_path: Path) -> None:
    settings = {"typeCheckingMode": "standard", "extraPaths": ELSEWHERE}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    python = ["--pythonpath", sys.executable]
    said = json.loads(check(["basedpyright", "--outputjson", "--project", str(tmp_path), *python], tmp_path))
    errors = [found for found in said["generalDiagnostics"] if found["severity"] == "error"]
    assert {found["range"]["start"]["line"] + 1 for found in errors} == marked_lines(), errors
