"""Tokens per second: upstream, sober, one site, all sites, alternating in one run."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.report import progress, table
from benchmarks.side import Side
from benchmarks.worker import SITES

#: name -> dosed sites, on the patched libraries
DOSES: dict[str, tuple[str, ...]] = {"sober": (), "A": ("A",), "all sites": SITES}

UPSTREAM = "unpatched"


def measure(patched: Path, unpatched: Path, model: str, n_threads: int, rounds: int, n_tokens: int) -> None:
    """Print medians and quartiles of tokens per second, and of ratios within a round."""
    speeds: dict[str, list[float]] = {name: [] for name in (UPSTREAM, *DOSES)}
    order = list(speeds)
    rng = random.Random(1)
    with Side(unpatched, model, n_threads) as upstream, Side(patched, model, n_threads) as ours:
        for number in range(rounds + 1):
            rng.shuffle(order)
            for name in order:
                side = upstream if name == UPSTREAM else ours
                seconds = side.decode(DOSES.get(name, ()), n_tokens)["seconds"]
                if number:  # the first round warms up
                    speeds[name].append(n_tokens / seconds)
            progress("speed", number, rounds)
    _report({name: np.array(values) for name, values in speeds.items()}, n_threads, n_tokens)


def _report(speeds: dict[str, npt.NDArray[np.float64]], n_threads: int, n_tokens: int) -> None:
    rounds = len(speeds[UPSTREAM])
    print(f"Decoding, {n_threads} threads, {rounds} rounds of {n_tokens} tokens, sides in random order in every round:")
    rows = []
    for name, values in speeds.items():
        against = {"sober": UPSTREAM}.get(name, "sober")
        ratio = "" if name == UPSTREAM else f"{_spread(values / speeds[against], 3)} of {against}"
        rows.append([name, _spread(values, 1), ratio])
    table(["side", "tokens/s: median (quartiles)", "ratio: median (quartiles)"], rows)


def _spread(values: npt.NDArray[np.float64], digits: int) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
