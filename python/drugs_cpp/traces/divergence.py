"""How far what one run computed inside is from another: by layer, and at the output."""

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
        angle: between the vectors, radians, 0 to pi; likewise.
        relative_l2: length of the difference, divided by the sober vector's; likewise.
        kl: KL(sober || dosed) of the next token's probabilities, nats; float64 (n_positions,). None: a trace has no
            logits.
    """

    cosine: F64
    angle: F64
    relative_l2: F64
    kl: F64 | None

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return divergence_html(self.angle, self.relative_l2, self.kl)


def vector_divergence(vectors: npt.ArrayLike, sober: npt.ArrayLike) -> tuple[F64, F64, F64]:
    """Cosine distance, angle in radians, and relative length of the difference, over the last axis.

    Angles come from the sum and the difference of the unit vectors (Kahan, "How Futile are Mindless Assessments of
    Roundoff", 2006), which stays exact for small ones, where a cosine rounds to 1. Vectors without a length have an
    angle of 0 to each other.

    Args:
        vectors, sober: (..., n_embd), of shapes that broadcast.
    """
    a, b = np.asarray(vectors, np.float64), np.asarray(sober, np.float64)
    unit_a, unit_b = _unit(a), _unit(b)
    angle = 2 * np.arctan2(np.linalg.norm(unit_a - unit_b, axis=-1), np.linalg.norm(unit_a + unit_b, axis=-1))
    cosine = 2 * np.sin(angle / 2) ** 2
    length = np.linalg.norm(b, axis=-1)
    return cosine, angle, np.linalg.norm(a - b, axis=-1) / np.where(length > 0, length, 1)


def kl_divergence(logits: npt.ArrayLike, sober: npt.ArrayLike) -> F64:
    """KL(sober || dosed) in nats, over the last axis.

    Args:
        logits, sober: (..., n_vocab), of shapes that broadcast.
    """
    log_p, log_q = log_softmax(sober), log_softmax(logits)
    p = np.exp(log_p)
    terms = p * np.where(p > 0, log_p - log_q, 0)
    return np.maximum(terms.sum(axis=-1), 0)  # type: ignore[no-any-return]  # rounding goes below zero


def log_softmax(logits: npt.ArrayLike) -> F64:
    """Logarithms of probabilities, float64, over the last axis."""
    given = np.asarray(logits, np.float64)
    x: F64 = given - given.max(axis=-1, keepdims=True)
    log_p: F64 = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return log_p


def _unit(x: F64) -> F64:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    unit: F64 = x / np.where(length > 0, length, 1)
    return unit
