"""Runs the sides at the same time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.fidelity.protocol import Cell, Dose, Shift, Side, Text
from benchmarks.report import progress

#: a side's results for the runs of all texts and seeds
Shifts = dict[Cell, Shift]


def measure(
    sides: Mapping[str, Side], texts: Sequence[Text], doses: Sequence[Dose], seeds: range, n_threads: int
) -> dict[str, Shifts]:
    """Let every side run every text under every dose.

    A side computes on one thread: with more, llama.cpp's threads would wait for each other at every operation, and
    for very long if something else runs on the machine.
    """
    n_jobs = len(sides) * len(texts) * len(doses)
    done = itertools.count(1)

    def shift(side: Side, text: Text, dose: Dose) -> Shift:
        found = side.shift(text, dose, seeds)
        progress("fidelity", next(done), n_jobs)
        return found

    def all_shifts(side: Side) -> Shifts:
        shifts: Shifts = {}
        for dose in doses:
            found = [shift(side, text, dose) for text in texts]
            kl, changed = (np.concatenate(parts, axis=1) for parts in zip(*found))
            for i, angle in enumerate(dose.angles):
                shifts[Cell(dose.site, dose.noise, angle, dose.settings)] = Shift(kl[i], changed[i])
        return shifts

    with ThreadPoolExecutor(n_threads) as pool:
        return dict(zip(sides, pool.map(all_shifts, sides.values())))
