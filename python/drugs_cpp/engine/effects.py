"""``Effects``: what is known about the effect of doses on a model, and the angles that follow from it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.effect import plain_effect
from drugs_cpp.doses.titration import ESTIMATED, Titration, dose_key

if TYPE_CHECKING:
    from drugs_cpp.doses.dosage import Dosage

#: number of depths at which a shape is sampled
_DEPTHS = 48

#: two targets whose relative difference is below this are the same
_SAME = 0.01


class Effects:
    """Doses by their effect on a model. One thread may read while another one adds results."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Titration, ...]] = {}  # by proportions
        self.version = 0

    def add(self, titrations: Iterable[Titration]) -> None:
        """Add results, which replace earlier ones for the same dose and target."""
        with self._lock:
            for new in titrations:
                key = dose_key(new.dosage)
                others = (old for old in self._known.get(key, ()) if not _same(old.target, new.target))
                self._known[key] = (*others, new)
            self.version += 1

    def known(self, dosage: Dosage) -> Titration | None:
        """Return what was measured for a dose by its effect, or None."""
        effect = _effect_of(dosage)
        return next((some for some in self._known.get(dose_key(dosage), ()) if _same(some.target, effect)), None)

    def find(self, dosage: Dosage) -> Titration:
        """Return what was measured, or else an estimate: from other effects of the same dose, or from other models."""
        return self.known(dosage) or self._estimate(dosage)

    def resolve(self, dosage: Dosage) -> Dosage:
        """Return the dose with angles. A dose without an effect is returned as it is.

        Raises:
            DoseError: an angle above pi.
        """
        return dosage if dosage.effect is None else dosage.at_angle(self.find(dosage).angle)

    def described(self, dosage: Dosage) -> dict[str, Any]:
        """Return plain values of a dose; for a dose by its effect, also its angles and how they were found."""
        if dosage.effect is None:
            return dosage.to_dict()
        found = self.find(dosage)
        angles = dosage.at_angle(found.angle).to_dict()
        return {**angles, "effect": plain_effect(dosage.effect), "source": found.source}

    def _estimate(self, dosage: Dosage) -> Titration:
        effect = _effect_of(dosage)
        others = self._known.get(dose_key(dosage), ())
        if others:
            near = min(others, key=lambda some: abs(math.log(some.target / effect)))
            floor, nats = near.floor, (near.kl - near.floor) / near.angle**2
        else:
            floor, nats = _core.effect_floor(), _nats(dosage.proportions)
        angle = _core.estimated_angle(effect, floor, nats)
        unknown = dict.fromkeys(("error", "kl", "kl_error", "floor", "changed", "perplexity"), math.nan)
        return Titration(
            target=effect, angle=angle, **unknown, dosage=dosage.proportions.scaled(angle), source=ESTIMATED
        )


def _nats(proportions: Dosage) -> float:
    """Return nats per squared radian: sites and layers add up, each with the square of its angle."""
    table = proportions.table(_DEPTHS)
    squares = (table.astype(np.float64) ** 2).mean(axis=0)
    return float(squares @ np.array(_core.effect_nats()))


def _effect_of(dosage: Dosage) -> float:
    assert dosage.effect is not None
    return dosage.effect


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * b
