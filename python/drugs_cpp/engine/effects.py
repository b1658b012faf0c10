"""``Effects``: what is known of what doses do to a model, and the angles that follow from it."""

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

#: points of the depth at which a shape is looked at
_DEPTHS = 48

#: two targets that differ by less than this share are the same
_SAME = 0.01


class Effects:
    """Doses by their effect on a model. A thread may ask while another one adds what it found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Titration, ...]] = {}  # by proportions
        self.version = 0

    def add(self, titrations: Iterable[Titration]) -> None:
        """Add what was found, in place of what was known of the same dose and target."""
        with self._lock:
            for new in titrations:
                key = dose_key(new.dosage)
                others = (old for old in self._known.get(key, ()) if not _same(old.target, new.target))
                self._known[key] = (*others, new)
            self.version += 1

    def known(self, dosage: Dosage) -> Titration | None:
        """What was measured for a dose by its effect; None: nothing was."""
        effect = _effect_of(dosage)
        return next((some for some in self._known.get(dose_key(dosage), ()) if _same(some.target, effect)), None)

    def find(self, dosage: Dosage) -> Titration:
        """What was measured, or else an estimate: from other effects of the same dose, or from other models."""
        return self.known(dosage) or self._estimate(dosage)

    def resolve(self, dosage: Dosage) -> Dosage:
        """The dose with angles; one that has no effect is as it was.

        Raises:
            DoseError: an angle above pi.
        """
        return dosage if dosage.effect is None else dosage.at_angle(self.find(dosage).angle)

    def described(self, dosage: Dosage) -> dict[str, Any]:
        """Plain values of a dose; of one by its effect also its angles, and how these were found."""
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
    """Nats for each squared radian: sites and layers add up, each with the square of its angle."""
    table = proportions.table(_DEPTHS)
    squares = (table.astype(np.float64) ** 2).mean(axis=0)
    return float(squares @ np.array(_core.effect_nats()))


def _effect_of(dosage: Dosage) -> float:
    assert dosage.effect is not None
    return dosage.effect


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * b
