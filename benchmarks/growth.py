"""Memory over time: many dosed texts again and again in one process, whose memory should not grow."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import psutil

from benchmarks.measured import Measured
from benchmarks.results import Cell, Results
from benchmarks.setup import Setup, dose
from benchmarks.worker import SITES, some_tokens

N_SEQUENCES = 16
N_NEW = 512

PROMPT = some_tokens(32)


def measure(setup: Setup, results: Results, minutes: float) -> None:
    """Measure resident memory after each round, in MiB."""
    mib: list[float] = []
    at: list[float] = []  # minutes since the start
    start = time.monotonic()
    with contextlib.closing(setup.llama(n_ctx=len(PROMPT) + N_NEW, drugs=dose(*SITES))) as llm:
        while len(mib) < 2 or at[-1] < minutes:
            llm.variations(PROMPT, n=N_SEQUENCES, seeds=1 + N_SEQUENCES * len(mib), max_tokens=N_NEW)
            mib.append(psutil.Process().memory_info().rss / 2**20)
            at.append((time.monotonic() - start) / 60)
            results.progress(int(at[-1]), int(minutes))
    title = f"Resident memory after each of {len(mib)} rounds of {N_SEQUENCES} texts of {N_NEW} tokens, all sites dosed"
    results.table(f"{title}, {at[-1]:.1f} minutes", ["when", "MiB"], rows(mib, at))


def rows(mib: list[float], minutes: list[float]) -> list[list[Cell]]:
    """Return the first, last and largest sample, all samples, and the slope of a straight line through them."""
    samples = np.array(mib)
    slope = np.polyfit(minutes, samples, 1)[:1]
    return [
        ["after the first round", Measured(samples[:1], "MiB")],
        ["after the last", Measured(samples[-1:], "MiB")],
        ["most", Measured(samples.max(keepdims=True), "MiB")],
        ["all rounds", Measured(samples, "MiB")],
        ["increase per minute", Measured(slope, "MiB/minute", 3)],
    ]
