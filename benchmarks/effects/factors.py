"""Nats per squared radian of a small angle, by which effects that were not measured are estimated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: if models differ by more than this factor, they say little about other models, and the most sensitive one counts
_APART = 10.0


def per_square(found: Sequence[Mapping[str, float]]) -> float:
    """Return the factor of a model and site, at the smallest angle with over twice the effect of a tiny dose."""
    floor = found[0]["kl"]
    first = next(one for one in found if one["kl"] > 2 * floor)
    return (first["kl"] - floor) / first["angle"] ** 2


def of_several(factors: Sequence[float]) -> float:
    """Return the factor for other models, from the measured ones: their geometric mean, or the largest of them."""
    if max(factors) > _APART * min(factors):
        return max(factors)
    return math.exp(sum(map(math.log, factors)) / len(factors))
