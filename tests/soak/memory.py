"""Whether memory use stays constant."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

#: MiB; the tiny model's server has grown by 0.8 in a quarter of an hour (17,600 answers, half of them between the
#: two quarters), as allocators do; 500 bytes lost with each answer would have been 4 more
MOST_GROWTH = 4.0


def growth(mib: Sequence[float]) -> float:
    """How much larger the last quarter of the samples is than the second, in MiB: caches fill in the first."""
    quarter = len(mib) // 4
    return median(mib[-quarter:]) - median(mib[quarter : 2 * quarter])


def slope(mib: Sequence[float], seconds: float) -> float:
    """MiB per hour, from a straight line through all samples except the first quarter.

    Args:
        mib: samples at equal intervals.
        seconds: from the first to the last of them.
    """
    samples = np.array(mib[len(mib) // 4 :])
    hours = np.linspace(0, seconds * len(samples) / len(mib) / 3600, len(samples))
    return float(np.polyfit(hours, samples, 1)[0])


def grown(mib: Sequence[float]) -> list[str]:
    """What is wrong with the samples."""
    more = growth(mib)
    if more <= MOST_GROWTH:
        return []
    return [f"memory grew by {more:.1f} MiB from the second quarter of the time to the last: {MOST_GROWTH} at most"]
