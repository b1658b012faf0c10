"""Seeds that make a difference. Which do depends on the processor: its rounding may lead two seeds to the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

#: so many are tried
N_SEEDS = 16


def first_that(differs: Callable[[int], object], seeds: Iterable[int] = range(1, 1 + N_SEEDS)) -> int:
    """The first seed for which ``differs(seed)`` is true; fails where none of them makes a difference."""
    tried = []
    for seed in seeds:
        tried.append(seed)
        if differs(seed):
            return seed
    raise AssertionError(f"none of the seeds {tried} makes the difference that one of them must make")
