"""Runs Python in a separate process: with other libraries, or if a process could not undo what it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.patience import PATIENCE

TESTS = Path(__file__).resolve().parents[1]


def python_environment(**environment: str) -> dict[str, str]:
    """In which Python finds the modules of this folder, so that ``-m support.NAME`` runs one."""
    if "LLAMA_CPP_LIB_PATH" in environment and "DRUGS_UNPATCHED_BACKEND" in os.environ:  # a backend knows its own ops
        environment = {"GGML_BACKEND_PATH": os.environ["DRUGS_UNPATCHED_BACKEND"], **environment}
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(TESTS), str(TESTS.parent)])
    return {**os.environ, "PYTHONPATH": path, **environment}


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=python_environment(**environment),
    )
