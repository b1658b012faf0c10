"""Sides that take turns, so that changes on the machine while a benchmark runs affect all of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import numpy as np

from benchmarks.measured import Measured

T = TypeVar("T")

#: seconds before each measurement: OpenMP's threads keep spinning for about 10 ms after their work, and would take a
#: core from a side in another process
REST = 0.03


class Progress(Protocol):
    """Called with the number of rounds that are done."""

    def __call__(self, done: int, of: int) -> object: ...


def alternate(sides: Mapping[str, Callable[[], T]], rounds: int, progress: Progress) -> dict[str, list[T]]:
    """Return what each side found in each round, in random order within a round. The first round only warms up."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    order = list(sides)
    rng = random.Random(1)
    for number in range(rounds + 1):
        rng.shuffle(order)
        for name in order:
            time.sleep(REST)
            result = sides[name]()
            if number:
                found[name].append(result)
        progress(number, rounds)
    return found


def alternate_numbers(
    sides: Mapping[str, Callable[[], float]], rounds: int, progress: Progress, unit: str = "tokens/s", digits: int = 1
) -> dict[str, Measured]:
    """Do the same for sides that find one number."""
    found = alternate(sides, rounds, progress)
    return {name: Measured(np.array(numbers), unit, digits) for name, numbers in found.items()}
