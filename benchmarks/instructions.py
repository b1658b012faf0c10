"""Instructions per token under valgrind's callgrind: steady where times are not. One thread, so that nobody waits."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.report import progress, table
from benchmarks.side import Side
from benchmarks.speed import DOSES

N_TOKENS = 8


def measure(patched: Path, model: str) -> None:
    """Print millions of instructions per decoded token.

    The libraries must not use instructions that valgrind does not know (AVX-512): `make bench` builds them for AVX2.
    """
    if not shutil.which("valgrind"):
        print("Instructions: not measured, valgrind is not installed (Debian's package is called valgrind)")
        return
    counts: dict[str, float] = {}
    for number, (name, sites) in enumerate(DOSES.items(), start=1):
        counts[name] = _count(patched, model, sites) / N_TOKENS
        progress("instructions", number, len(DOSES))
    print(f"Instructions per token, 1 thread, {N_TOKENS} tokens under callgrind:")
    more = {name: 100 * (count / counts["sober"] - 1) for name, count in counts.items()}
    rows = [[name, f"{count / 1e6:.2f}", f"{more[name]:+.2f}%"] for name, count in counts.items()]
    table(["side", "millions", "against sober"], rows)


def _count(libraries: Path, model: str, sites: tuple[str, ...]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        wrapper = [
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--log-file={log}",
            f"--callgrind-out-file={folder}/out",
        ]
        # the libraries name each other without a folder
        environment = {"DRUGS_CALLGRIND": "1", "LD_LIBRARY_PATH": str(libraries)}
        with Side(libraries, model, 1, wrapper=wrapper, environment=environment) as side:
            side.decode(sites, N_TOKENS)
        found = re.search(r"Collected : (\d+)", log.read_text(encoding="utf-8"))
    if found is None or found[1] == "0":
        raise SystemExit("benchmarks: callgrind counted nothing: were the libraries built without AVX-512?")
    return int(found[1])
