"""Memory that a dose takes: two fresh processes that decode the same tokens, one sober and one with all sites dosed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import progress, table
from benchmarks.side import Side
from benchmarks.worker import SITES

N_TOKENS = 32


def measure(patched: Path, model: str, n_threads: int, rounds: int) -> None:
    """Print the peak of resident memory with and without a dose, in MiB."""
    peaks: dict[str, list[int]] = {"sober": [], "all sites": []}
    for number in range(rounds):
        for name, sites in (("sober", ()), ("all sites", SITES)):
            with Side(patched, model, n_threads) as side:
                peaks[name].append(side.decode(sites, N_TOKENS)["peak_kib"])
        progress("memory", number + 1, rounds)
    print(f"Peak of resident memory, {rounds} fresh processes each:")
    middle = {name: sorted(values)[len(values) // 2] / 1024 for name, values in peaks.items()}
    more = middle["all sites"] - middle["sober"]
    table(["side", "MiB"], [*([n, f"{m:.1f}"] for n, m in middle.items()), ["difference", f"{more:+.1f}"]])
