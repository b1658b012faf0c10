"""How far logits are from sober ones, and whether two sides agree about it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.fidelity.protocol import F32, F64

#: the share of the KL by which two sides may differ in any case
TOLERANCE = 0.10

#: how many standard errors of the difference two sides may differ by in any case
STANDARD_ERRORS = 2.0


def log_softmax(logits: F32) -> F64:
    """Return the logarithms of the probabilities, along the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def kl(sober: F32, dosed: F32) -> F64:
    """Return KL(sober || dosed) in nats, along the last axis."""
    p, q = log_softmax(sober), log_softmax(dosed)
    return np.asarray((np.exp(p) * (p - q)).sum(axis=-1))


def changed(sober: F32, dosed: F32) -> npt.NDArray[np.bool_]:
    """Return whether the most likely token differs, along the last axis."""
    return np.asarray(sober.argmax(axis=-1) != dosed.argmax(axis=-1))


def standard_error(values: F64) -> float:
    """Return the standard error of the mean of independent values."""
    return float(values.std(ddof=1) / np.sqrt(values.size))


def agree(one: F64, other: F64) -> bool:
    """Return whether two means are close enough to each other.

    ``one`` (the tolerance is a share of its mean) and ``other`` hold a value for each prompt and seed, in the same
    order. The seeds of the two sides have nothing in common, but the prompts are the same: the standard error of the
    paired differences excludes differences between prompts.
    """
    difference = other - one
    limit = max(TOLERANCE * one.mean(), STANDARD_ERRORS * standard_error(difference))
    return bool(abs(difference.mean()) <= limit)
