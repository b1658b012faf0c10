"""How well a number tells right answers from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: percentiles
_MIDDLE = (2.5, 97.5)


def auroc(confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    """Chance that a right answer has a higher confidence than a wrong one, ties counted half; NaN without both."""
    good, bad = confidence[right], confidence[~right]
    if not len(good) or not len(bad):
        return float("nan")
    higher = (good[:, None] > bad).sum() + (good[:, None] == bad).sum() / 2
    return float(higher / (len(good) * len(bad)))


def rejection_ratio(confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    """Prediction-rejection ratio (Malinin et al. 2017): 1 where the wrong answers are rejected first, 0 as by chance.

    Errors among the answers that are left are summed while the least confident ones are rejected, one after another;
    ties are rejected in proportion.
    """
    n, n_wrong = len(right), int((~right).sum())
    if n_wrong in (0, n):
        return float("nan")
    chance = n_wrong / n
    best = _area(np.sort(~right)[::-1].astype(float))
    return float((chance - _area(_rejected(confidence, right))) / (chance - best))


def _rejected(confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Errors in the order in which answers are rejected; those that tie share theirs."""
    wrong = (~right).astype(float)
    found = np.empty(len(wrong))
    order = np.argsort(confidence, kind="stable")
    values = confidence[order]
    for value in np.unique(values):
        tied = values == value
        found[tied] = wrong[order[tied]].mean()
    return found


def _area(errors: npt.NDArray[Any]) -> float:
    """Mean over all numbers of rejected answers of the errors that are left, as a share of all answers."""
    left = errors.sum() - np.concatenate([[0.0], np.cumsum(errors)])
    return float(((left[:-1] + left[1:]) / 2).mean() / len(errors) * 2)


def interval(
    measure: Callable[[npt.NDArray[Any], npt.NDArray[np.bool_]], float],
    confidence: npt.NDArray[Any],
    right: npt.NDArray[np.bool_],
    n_draws: int = 1000,
) -> tuple[float, float]:
    """95 % of what questions come to that are drawn again and again, with a fixed seed."""
    low, high = np.nanpercentile([measure(confidence[draw], right[draw]) for draw in _draws(right, n_draws)], _MIDDLE)
    return float(low), float(high)


def difference(
    measure: Callable[[npt.NDArray[Any], npt.NDArray[np.bool_]], float],
    one: npt.NDArray[Any],
    other: npt.NDArray[Any],
    right: npt.NDArray[np.bool_],
    n_draws: int = 1000,
) -> tuple[float, float, float]:
    """How much more one confidence comes to than another of the same questions, and 95 % of that, likewise."""
    found = [measure(one[draw], right[draw]) - measure(other[draw], right[draw]) for draw in _draws(right, n_draws)]
    low, high = np.nanpercentile(found, _MIDDLE)
    return measure(one, right) - measure(other, right), float(low), float(high)


def _draws(right: npt.NDArray[np.bool_], n_draws: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, len(right), (n_draws, len(right)))
