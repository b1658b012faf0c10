"""Instructions that the ops take on ARM and on x86-64, counted by qemu."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from elsewhere.systems import MissingError, arm, x86

if TYPE_CHECKING:
    from elsewhere.systems import System

#: results of ``turned-vectors OP D TIMES``: 5 tokens and 32 heads, each with a vector of its own or 256 keys
N_RESULTS = {"rows": 5 * 32, "scores": 5 * 32 * 256, "values": 5 * 32}
LENGTHS = (64, 128)
TIMES = 10


def print_counts(folder: Path, native: Path) -> None:
    """Print instructions for each result on ARM with NEON and on x86-64 with AVX2.

    Args:
        folder: the build tree for ARM.
        native: that for x86-64 with AVX2.
    """
    plugin = _plugin(folder)
    print("| op | numbers | x86-64 with AVX2 | ARM with NEON | ratio |")
    print("| -- | ------- | ---------------- | ------------- | ----- |")
    for op, n_results in N_RESULTS.items():
        for d in LENGTHS:
            one, other = (
                _counted(system, tree / "bin" / "turned-vectors", plugin, op, d) / n_results
                for system, tree in ((x86(), native), (arm(), folder))
            )
            print(f"| {op} | {d} | {one:,.0f} | {other:,.0f} | {other / one:.2f} |", flush=True)


def _plugin(folder: Path) -> Path:
    """Compile the plugin that counts."""
    library = folder.absolute() / "count_instructions.so"
    source = Path(__file__).with_name("count_instructions.c")
    try:
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    except FileNotFoundError as error:
        raise MissingError("cc was not found: install a C compiler (Debian and Ubuntu: apt install gcc)") from error
    return library


def _counted(system: System, program: Path, plugin: Path, op: str, d: int) -> float:
    """Return the instructions of computing an op once; starting and filling the inputs do not count."""
    few, many = (_total(system, program, plugin, op, d, times) for times in (TIMES, 2 * TIMES))
    return (many - few) / TIMES


def _total(system: System, program: Path, plugin: Path, op: str, d: int, times: int) -> int:
    run = system.with_options("-plugin", str(plugin)).run(program, op, str(d), str(times))
    found = re.search(r"^instructions: (\d+)", run.stderr, re.M)
    if run.returncode or found is None:
        raise ValueError(f"{program} on {system.name}: {run.stderr}")
    return int(found[1])
