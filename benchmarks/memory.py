"""Memory that a dose needs: two fresh processes decode the same tokens, one sober and one with all sites dosed."""

from __future__ import annotations

import numpy as np

from benchmarks.measured import Measured
from benchmarks.results import Results
from benchmarks.setup import Setup
from benchmarks.side import Side
from benchmarks.worker import SITES

N_TOKENS = 32


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure the peak of resident memory with and without a dose, in MiB."""
    kib: dict[str, list[int]] = {"sober": [], "all sites": []}
    for number in range(rounds):
        for name, sites in (("sober", ()), ("all sites", SITES)):
            with Side(setup.patched, setup.model, setup.n_threads) as side:
                kib[name].append(side.decode(sites, N_TOKENS)["peak_kib"])
        results.progress(number + 1, rounds)
    peaks = {name: Measured(np.array(values) / 1024, "MiB") for name, values in kib.items()}
    more = Measured(peaks["all sites"].samples - peaks["sober"].samples, "MiB")
    title = f"Peak of resident memory, {rounds} fresh processes each"
    results.table(title, ["side", "MiB"], [[name, peak] for name, peak in {**peaks, "difference": more}.items()])
