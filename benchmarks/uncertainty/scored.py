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
    """Return the chance that a right answer has a higher confidence than a wrong one; NaN without both.

    Ties count half.
    """
    good, bad = confidence[right], confidence[~right]
    if not len(good) or not len(bad):
        return float("nan")
    higher = (good[:, None] > bad).sum() + (good[:, None] == bad).sum() / 2
    return float(higher / (len(good) * len(bad)))


def rejection_ratio(confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    """Return the prediction-rejection ratio (Malinin et al. 2017): 1 if wrong answers are rejected first, 0 for chance.

    The least confident answers are rejected one after another, and the errors among the remaining ones are summed; ties
    are rejected in proportion.
    """
    n, n_wrong = len(right), int((~right).sum())
    if n_wrong in (0, n):
        return float("nan")
    chance = n_wrong / n
    best = _area(np.sort(~right)[::-1].astype(float))
    return float((chance - _area(_rejected(confidence, right))) / (chance - best))


def _rejected(confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Return errors in the order in which answers are rejected; tied answers share theirs."""
    wrong = (~right).astype(float)
    found = np.empty(len(wrong))
    order = np.argsort(confidence, kind="stable")
    values = confidence[order]
    for value in np.unique(values):
        tied = values == value
        found[tied] = wrong[order[tied]].mean()
    return found


def _area(errors: npt.NDArray[Any]) -> float:
    """Return the mean of the remaining errors over all numbers of rejected answers, as a share of all answers."""
    left = errors.sum() - np.concatenate([[0.0], np.cumsum(errors)])
    return float(((left[:-1] + left[1:]) / 2).mean() / len(errors) * 2)


def interval(
    measure: Callable[[npt.NDArray[Any], npt.NDArray[np.bool_]], float],
    confidence: npt.NDArray[Any],
    right: npt.NDArray[np.bool_],
    n_draws: int = 1000,
) -> tuple[float, float]:
    """Return the bootstrap 95 % interval over questions, with a fixed seed."""
    low, high = np.nanpercentile([measure(confidence[draw], right[draw]) for draw in _draws(right, n_draws)], _MIDDLE)
    return float(low), float(high)


def difference(
    measure: Callable[[npt.NDArray[Any], npt.NDArray[np.bool_]], float],
    one: npt.NDArray[Any],
    other: npt.NDArray[Any],
    right: npt.NDArray[np.bool_],
    n_draws: int = 1000,
) -> tuple[float, float, float]:
    """Return by how much a measure is larger for one confidence than for another, with a bootstrap 95 % interval."""
    found = [measure(one[draw], right[draw]) - measure(other[draw], right[draw]) for draw in _draws(right, n_draws)]
    low, high = np.nanpercentile(found, _MIDDLE)
    return measure(one, right) - measure(other, right), float(low), float(high)


def _draws(right: npt.NDArray[np.bool_], n_draws: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, len(right), (n_draws, len(right)))
