"""Tokens per second: upstream, sober, one site, all simple sites, alternating in one run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.report import progress, table
from benchmarks.side import Side
from benchmarks.worker import SIMPLE_SITES

#: name -> dosed sites, on the patched libraries
DOSES: dict[str, tuple[str, ...]] = {"sober": (), "A": ("A",), "H Q A pK pV": SIMPLE_SITES}

UPSTREAM = "unpatched"

#: side -> tokens per second in each round
Speeds = dict[str, npt.NDArray[np.float64]]


def measure(patched: Path, unpatched: Path, model: str, n_threads: int, rounds: int, n_tokens: int) -> None:
    """Print medians and quartiles of tokens per second, and of ratios within a round."""
    with Side(unpatched, model, n_threads) as upstream, Side(patched, model, n_threads) as ours:
        sides = {UPSTREAM: (upstream, ()), **{name: (ours, sites) for name, sites in DOSES.items()}}
        speeds = alternate(sides, rounds, n_tokens)
    print(f"Decoding, {n_threads} threads, {rounds} rounds of {n_tokens} tokens, sides in random order in every round:")
    report(speeds)


def alternate(sides: Mapping[str, tuple[Side, tuple[str, ...]]], rounds: int, n_tokens: int) -> Speeds:
    """Tokens per second of each side in each round, float64 (rounds,), in random order in every round."""
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    rng = random.Random(1)
    for number in range(rounds + 1):
        rng.shuffle(order)
        for name in order:
            side, sites = sides[name]
            seconds = side.decode(sites, n_tokens)["seconds"]
            if number:  # the first round warms up
                speeds[name].append(n_tokens / seconds)
        progress("speed", number, rounds)
    return {name: np.array(values) for name, values in speeds.items()}


def report(speeds: Speeds) -> None:
    """Print a table; ratios are of the same round."""
    rows = []
    for name, values in speeds.items():
        against = {"sober": UPSTREAM}.get(name, "sober")
        ratio = f"{_spread(values / speeds[against], 3)} of {against}" if against in speeds and name != UPSTREAM else ""
        rows.append([name, _spread(values, 1), ratio])
    table(["side", "tokens/s: median (quartiles)", "ratio: median (quartiles)"], rows)


def _spread(values: npt.NDArray[np.float64], digits: int) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
