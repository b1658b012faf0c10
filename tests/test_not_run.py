"""The last line of a test run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

def test_passes():
    pass

@pytest.mark.skipif(True, reason="X is not installed: apt install x")
@pytest.mark.parametrize("number", range(3))
def test_x(number):
    pass

def test_y():
    pytest.skip("Y is not there: make y")
"""


def last_line(folder: Path, *more: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "support.not_run", "-p", "no:cacheprovider", *more]
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return result.stdout.strip().splitlines()[-1]


def test_it_says_what_was_not_run_and_what_brings_it(tmp_path: Path) -> None:
    (tmp_path / "test_few.py").write_text(TESTS)
    assert last_line(tmp_path) == (
        "Not run: 3 of test_few.py (X is not installed: apt install x); 1 of test_few.py (Y is not there: make y)"
    )


def test_a_whole_file(tmp_path: Path) -> None:
    skip = 'pytest.skip("Z is missing: get z", allow_module_level=True)'
    (tmp_path / "test_none.py").write_text(f"import pytest\n\n{skip}\n")
    assert last_line(tmp_path) == "Not run: 1 of test_none.py (Z is missing: get z)"


def test_it_says_nothing_when_all_was_run(tmp_path: Path) -> None:
    (tmp_path / "test_few.py").write_text("def test_passes():\n    pass\n")
    assert "passed" in last_line(tmp_path)
