"""What times depend on besides the code: the machine and what is installed on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llama_cpp
import psutil

#: how much of a core may be busy with something else at the start
MOST_LOAD = 0.5


def machine(program: Path | None) -> dict[str, Any]:
    """Describe the machine; what cannot be determined is None.

    Args:
        program: a program of the unpatched llama.cpp, which names its compiler. All builds use the same one.
    """
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _find(r"built with (.+)", _said([str(program), "--version"])) if program else None,
        "llama.cpp": llama_cpp.llama_print_system_info().decode(),
        "llama_cpp_python": llama_cpp.__version__,
        "drugs_cpp": version("drugs_cpp"),
    }


def model_file(path: str) -> dict[str, Any]:
    """Describe a model file."""
    return {"file": Path(path).name, "bytes": Path(path).stat().st_size}


def warn_of_load() -> None:
    """Warn if the machine is busy: threads that wait for each other then take a hundred times as long, not twice."""
    load = os.getloadavg()[0]
    if load > MOST_LOAD:
        print(f"benchmarks: the machine is busy (load {load:.1f}): these times will not mean much", file=sys.stderr)


def _cpu() -> str | None:
    if sys.platform == "darwin":
        return _said(["sysctl", "-n", "machdep.cpu.brand_string"]).strip() or None
    file = Path("/proc/cpuinfo")
    known = _find(r"model name\s*:\s*(.+)", file.read_text(encoding="utf-8")) if file.is_file() else None
    return known or platform.processor() or platform.machine() or None


def _said(command: Sequence[str]) -> str:
    """Return what a program writes to its outputs, or nothing if it cannot be run."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return run.stdout + run.stderr


def _find(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1].strip() if found else None
