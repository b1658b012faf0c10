"""``make sanitize``: what a sanitizer reports is an error, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sanitize

FAULTS = {
    "address": {
        "heap-use-after-free": "volatile int * p = new int[3]; delete[] p; return p[argc] & 0;",
        "signed integer overflow": "volatile int n = 0x7fffffff; n = n + argc; return 0;",
        "detected memory leaks": "volatile char * p = new char[argc + 5]; p[0] = 1; p = nullptr; return 0;",
    },
    "thread": {
        "data race": "int n = 0; std::thread other([&] { n++; }); n++; other.join(); return 0;",
    },
}


def compiled(folder: Path, kind: str, body: str) -> list[str]:
    source, program = folder / "fault.cpp", folder / "fault"
    source.write_text(f"#include <thread>\nint main(int argc, char **) {{ (void) argc; {body} }}\n", encoding="utf-8")
    subprocess.run(["c++", *sanitize.FLAGS[kind].split(), "-pthread", str(source), "-o", str(program)], check=True)
    return [str(program)]


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Reports are kept in the test's own folder."""
    monkeypatch.setattr(sanitize, "folder", lambda kind: tmp_path / kind)
    return tmp_path


@pytest.mark.parametrize(("kind", "fault"), [(kind, fault) for kind in FAULTS for fault in FAULTS[kind]])
def test_a_fault_is_reported(in_tmp: Path, capfd: pytest.CaptureFixture[str], kind: str, fault: str) -> None:
    assert sanitize.run(kind, compiled(in_tmp, kind, FAULTS[kind][fault])) != 0
    said = capfd.readouterr().err
    assert fault in said
    assert "drugs_cpp: error: " in said


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_right_is_not(in_tmp: Path, capfd: pytest.CaptureFixture[str], kind: str) -> None:
    assert sanitize.run(kind, compiled(in_tmp, kind, "return 0;")) == 0
    assert f"{kind} sanitizer: nothing was reported" in capfd.readouterr().err


@pytest.mark.parametrize("kind", FAULTS)
def test_a_program_that_fails(in_tmp: Path, kind: str) -> None:
    assert sanitize.run(kind, compiled(in_tmp, kind, "return 3;")) == 3


@pytest.mark.usefixtures("in_tmp")
def test_python_runs_with_it() -> None:
    assert sanitize.run("address", [sys.executable, "-c", "import ctypes"]) == 0
