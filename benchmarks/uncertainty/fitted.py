"""The score of ``Llama.uncertainty``: weights fitted to answers that are known to be right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.extras import extra

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

#: features of the score, in the order of ``_core.confidence``
FEATURES = ("agreement", "log_likelihood")

#: keeps weights small if there is little data
_RIDGE = 1.0

#: parts of the questions; each is scored with weights that were fitted to the others
_FOLDS = 5

#: number of groups of questions in which the score is compared with the share of right answers
_GROUPS = 10


@dataclass(frozen=True)
class Fitted:
    """The result of a fit.

    Attributes:
        weights: a constant, then one for each of ``FEATURES``.
        scores: one for each question, with weights that were fitted without it.
        brier: mean square of score minus right (1) or wrong (0), for ``scores``.
        off: expected calibration error of ``scores``: how far the score is from the share of right answers.
    """

    weights: tuple[float, ...]
    scores: F64
    brier: float
    off: float


def fit(features: F64, right: npt.NDArray[np.bool_], among: Sequence[int], questions: Sequence[str]) -> Fitted:
    """Fit a logistic function.

    Args:
        features: (n, n_features).
        right: (n,).
        among: a number for the model and data set of each answer; each of these counts the same, whatever its size.
        questions: name of each; the answers of several models to one question are scored with the same weights.
    """
    counts = np.bincount(among)
    each = len(among) / (len(counts) * counts[among])
    weights = _weights(features, right, each)
    names = sorted(set(questions))
    folds = dict(zip(names, np.random.default_rng(1).permutation(len(names)) % _FOLDS))
    fold_of = np.array([folds[question] for question in questions])
    scores = np.empty(len(right))
    for fold in range(_FOLDS):
        inside = fold_of == fold
        scores[inside] = score(_weights(features[~inside], right[~inside], each[~inside]), features[inside])
    brier = float(np.average((scores - right) ** 2, weights=each))
    return Fitted(tuple(weights.tolist()), scores, brier, calibration_error(scores, right, each))


def score(weights: F64, features: F64) -> F64:
    """Return the score of each question, 0 to 1."""
    found: F64 = 1 / (1 + np.exp(-(weights[0] + features @ weights[1:])))
    return found


def _weights(features: F64, right: npt.NDArray[np.bool_], each: F64) -> F64:
    """Return the most likely weights, with a Gaussian prior on those of the features."""

    def loss(weights: F64) -> float:
        x = weights[0] + features @ weights[1:]
        return float((each * (np.logaddexp(0, x) - right * x)).sum() + _RIDGE / 2 * (weights[1:] ** 2).sum())

    found: F64 = extra("scipy.optimize").minimize(loss, np.zeros(features.shape[1] + 1), method="BFGS").x
    return found


def calibration_error(scores: F64, right: npt.NDArray[np.bool_], each: F64) -> float:
    """Return the mean distance between score and share of right answers, over groups of questions with similar scores.

    Args:
        scores, right: of each question.
        each: weight of each question.
    """
    groups = np.array_split(np.argsort(scores, kind="stable"), _GROUPS)
    off = [abs(np.average(scores[some] - right[some], weights=each[some])) * each[some].sum() for some in groups]
    return float(sum(off) / each.sum())
