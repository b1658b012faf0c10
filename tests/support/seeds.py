"""Seeds that make a difference. Which ones do depends on the processor, whose rounding may make two texts equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable

#: how many seeds are tried
N_SEEDS = 16


def first_that(differs: Callable[[int], object], seeds: Iterable[int] = range(1, 1 + N_SEEDS)) -> int:
    """The first seed for which ``differs(seed)`` is true; fails if none of them makes a difference."""
    tried = []
    for seed in seeds:
        tried.append(seed)
        if differs(seed):
            return seed
    raise AssertionError(f"none of the seeds {tried} makes the difference that one of them must make")
