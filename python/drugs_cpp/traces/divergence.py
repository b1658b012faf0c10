"""How far apart two runs are inside the model: by layer, and at the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.traces.divergence_picture import divergence_html

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Divergence:
    """How far hidden states are from sober ones.

    Attributes:
        cosine: cosine distance, 1 - cos, 0 to 2; float64 (n_positions, n_layers).
        angle: between the vectors, in radians, 0 to pi; float64 (n_positions, n_layers).
        relative_l2: length of the difference, divided by that of the sober vector; float64 (n_positions, n_layers).
        kl: KL(sober || dosed) of the next token's probabilities, in nats; float64 (n_positions,). None: one of the
            traces has no logits.
    """

    cosine: F64
    angle: F64
    relative_l2: F64
    kl: F64 | None

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return divergence_html(self.angle, self.relative_l2, self.kl)


def vector_divergence(vectors: npt.ArrayLike, sober: npt.ArrayLike) -> tuple[F64, F64, F64]:
    """Return cosine distance, angle in radians, and relative length of the difference, over the last axis.

    Angles are computed from the sum and the difference of the unit vectors (Kahan, "How Futile are Mindless Assessments
    of Roundoff", 2006), which stays exact for small angles, whose cosine rounds to 1. The angle between two zero
    vectors is 0.

    Args:
        vectors, sober: (..., n_embd), with shapes that broadcast.
    """
    a, b = np.asarray(vectors, np.float64), np.asarray(sober, np.float64)
    unit_a, unit_b = _unit(a), _unit(b)
    angle = 2 * np.arctan2(np.linalg.norm(unit_a - unit_b, axis=-1), np.linalg.norm(unit_a + unit_b, axis=-1))
    cosine = 2 * np.sin(angle / 2) ** 2
    length = np.linalg.norm(b, axis=-1)
    return cosine, angle, np.linalg.norm(a - b, axis=-1) / np.where(length > 0, length, 1)


def kl_divergence(logits: npt.ArrayLike, sober: npt.ArrayLike) -> F64:
    """Return KL(sober || dosed) in nats, over the last axis.

    Args:
        logits, sober: (..., n_vocab), with shapes that broadcast.
    """
    log_p, log_q = log_softmax(sober), log_softmax(logits)
    p = np.exp(log_p)
    terms = p * np.where(p > 0, log_p - log_q, 0)
    return np.maximum(terms.sum(axis=-1), 0)  # type: ignore[no-any-return]  # rounding can go below zero


def log_softmax(logits: npt.ArrayLike) -> F64:
    """Return the logarithms of probabilities, float64, over the last axis."""
    given = np.asarray(logits, np.float64)
    x: F64 = given - given.max(axis=-1, keepdims=True)
    log_p: F64 = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return log_p


def _unit(x: F64) -> F64:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    unit: F64 = x / np.where(length > 0, length, 1)
    return unit
