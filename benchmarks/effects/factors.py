"""Nats for each squared radian of a small angle: what an effect is estimated by that was not measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: models that differ by more than this say little of another one; then the most sensitive of them counts
_APART = 10.0


def per_square(found: Sequence[Mapping[str, float]]) -> float:
    """Of a model and site, at the smallest angle that does more than twice what next to no dose does."""
    floor = found[0]["kl"]
    first = next(one for one in found if one["kl"] > 2 * floor)
    return (first["kl"] - floor) / first["angle"] ** 2


def of_several(factors: Sequence[float]) -> float:
    """Of a model that was not measured, by those that were: their geometric mean, or the largest of them."""
    if max(factors) > _APART * min(factors):
        return max(factors)
    return math.exp(sum(map(math.log, factors)) / len(factors))
