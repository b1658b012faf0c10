"""Instructions per token under valgrind's callgrind, which vary less than times. One thread, so that none waits."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measured import Measured
from benchmarks.results import Results, compared
from benchmarks.setup import Setup
from benchmarks.side import Side
from benchmarks.speed import DOSES, SOBER

N_TOKENS = 8


def measure(setup: Setup, results: Results, rounds: int) -> None:  # noqa: ARG001  (counts are the same in every round)
    """Measure millions of instructions per decoded token."""
    if not shutil.which("valgrind"):
        results.note("Instructions: not measured, valgrind is not installed (Debian's package is called valgrind)")
        return
    counts = _counts(setup, results)
    title = f"Instructions per token, 1 thread, {N_TOKENS} tokens under callgrind"
    results.table(title, ["side", "millions", "ratio"], compared(counts, SOBER, 4))


def _counts(setup: Setup, results: Results) -> dict[str, Measured]:
    """Return dose -> instructions per token. One process measures all, because starting takes longest."""
    counts: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "out")
        wrapper = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}"]
        # the libraries refer to each other without a folder
        environment = {"DRUGS_CALLGRIND": "1", "LD_LIBRARY_PATH": str(setup.avx2)}
        results.progress(0, len(DOSES))
        with Side(setup.avx2, setup.model, 1, wrapper=wrapper, environment=environment) as side:
            for number, (name, sites) in enumerate(DOSES.items(), start=1):
                side.decode(sites, N_TOKENS)
                millions = counted(output.with_name(f"out.{number}").read_text(encoding="utf-8")) / 1e6
                counts[name] = Measured(np.array([millions / N_TOKENS]), "million instructions", 2)
                results.progress(number, len(DOSES))
    return counts


def counted(dump: str) -> int:
    """Return the number of instructions in a dump of callgrind."""
    found = re.search(r"^totals: (\d+)", dump, flags=re.MULTILINE)
    if found is None or found[1] == "0":
        raise SystemExit("benchmarks: callgrind counted nothing: were the libraries built without AVX-512?")
    return int(found[1])
