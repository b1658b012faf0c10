"""Runs Python in a separate process: with other libraries, or if a process could not undo what it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.patience import PATIENCE

TESTS = Path(__file__).resolve().parents[1]


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end; ``-m support.NAME`` runs a module of this folder."""
    if "LLAMA_CPP_LIB_PATH" in environment and "DRUGS_UNPATCHED_BACKEND" in os.environ:  # a backend knows its own ops
        environment = {"GGML_BACKEND_PATH": os.environ["DRUGS_UNPATCHED_BACKEND"], **environment}
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(TESTS), str(TESTS.parent)])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
