"""Which settings of a method are the best, and how much more diverse a method is than another at the same coherence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.diversity.measured import drawn, means, middle

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchmarks.diversity.measured import F64, Measured

#: settings of a method that are measured in full
N_BEST = 3

#: nats per token: texts that are this much less likely than the sober ones do not count when the best are chosen
WORST = 1.0

#: if a gain is unknown in a larger share of the draws of prompts, none is given
_MOST_UNKNOWN = 0.05

#: the diversity of identical texts
ONE_TEXT = 1.0


class Point(NamedTuple):
    """A setting as a point in the plane; more is better for both.

    Attributes:
        diversity: Vendi score.
        coherence: log-likelihood, nats per token.
    """

    diversity: float
    coherence: float


def best(points: Sequence[Point], worst: float) -> list[int]:
    """Return the indices of the ``N_BEST`` points that together cover the largest area, starting at identical texts.

    Args:
        points: one for each setting of a method.
        worst: the coherence at which the area starts.
    """
    some = min(N_BEST, len(points))
    return list(
        max(combinations(range(len(points)), some), key=lambda chosen: area([points[i] for i in chosen], worst))
    )


def area(points: Sequence[Point], worst: float) -> float:
    """Return the area, starting at identical texts and ``worst``, in which a point has more of both (hypervolume)."""
    found, reached = 0.0, ONE_TEXT
    for point in sorted(points, key=lambda point: -point.coherence):
        if point.diversity > reached and point.coherence > worst:
            found += (point.diversity - reached) * (point.coherence - worst)
            reached = point.diversity
    return found


def front(points: Sequence[Point]) -> list[int]:
    """Return the indices of the points that no other point beats in both, the most coherent first."""
    found: list[int] = []
    reached = -np.inf
    for i in sorted(range(len(points)), key=lambda i: (-points[i].coherence, -points[i].diversity)):
        if points[i].diversity > reached:
            found.append(i)
            reached = points[i].diversity
    return found


def gain(one: Measured, others: Sequence[Measured], coherence: str) -> tuple[float, float, float]:
    """Return how far the Vendi score is above the best of the others at the same coherence or more, with its interval.

    The others are interpolated linearly between their settings. The interval is over prompts.

    Args:
        one: a setting.
        others: sober texts and settings of one method, for the same prompts.
        coherence: the measure to use for coherence.

    Returns:
        The gain and its 95 % interval; NaN if the others have nothing that incoherent, in all or many draws of prompts.
    """
    others = [other for other in others if not np.isnan(other.mean(coherence))]
    n_prompts = len(one.values[coherence])
    if not others:
        return (float("nan"),) * 3
    found, by_draw = (_gains(one, others, coherence, some) for some in (np.arange(n_prompts)[None], drawn(n_prompts)))
    if np.isnan(by_draw).mean() > _MOST_UNKNOWN:
        return (float("nan"),) * 3
    return (float(found[0]), *middle(by_draw))


def _gains(one: Measured, others: Sequence[Measured], coherence: str, draws: npt.NDArray[np.int64]) -> F64:
    """Return the gain for each draw of prompts, (draws, n_prompts)."""
    x = np.stack([means(other.values[coherence][draws]) for other in others], axis=-1)
    y = np.stack([means(other.values["vendi"][draws]) for other in others], axis=-1)
    at, has = means(one.values[coherence][draws]), means(one.values["vendi"][draws])
    order = np.argsort(x, axis=-1)
    x, y = np.take_along_axis(x, order, -1), np.take_along_axis(y, order, -1)
    y = np.maximum.accumulate(y[:, ::-1], axis=-1)[:, ::-1]  # a setting with less of both does not count
    line: F64 = np.array([np.interp(a, xs, ys, left=np.nan) for a, xs, ys in zip(at, x, y)])
    return has - line
