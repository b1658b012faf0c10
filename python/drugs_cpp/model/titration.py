"""``titrate``: finds the angle at which a dose has a given effect on the next token's probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drugs_cpp.doses.dosage import MAX_ANGLE, Dosage
from drugs_cpp.doses.titration import Titration, titration_of
from drugs_cpp.errors import DoseError
from drugs_cpp.model.dose_meter import NEXT_TO_NOTHING, DoseMeter, Measurement

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine

#: called with the number of measurements so far, and the last one
Listener = Callable[[int, Measurement], None]

#: how far the KL of the result may differ from the target, as a share of it, and where KL jumps past the target
_CLOSE, _CLOSE_AT_JUMP = 0.03, 0.1

#: radians: the first angle that is tried
_FIRST = 0.25

#: a step up is limited to this factor, and goes slightly past the prediction, so that the target is bracketed
_MOST_GROWTH, _PAST = 4.0, 1.02

#: an angle between two others differs from both by at least this factor, and a power below this is noise
_APART, _LEAST_POWER = 1.003, 0.5

#: how many angles are tried at most
_MOST = 14


def titrate(engine: Engine, dosage: Dosage, progress: Listener | None = None) -> Titration:
    """Find the angles of a dose by its effect.

    For small angles KL is floor + c * angle**2, so each angle is predicted from the last ones and then measured.

    Args:
        engine: of the model.
        dosage: with an effect.
        progress: called after each measurement.

    Raises:
        DoseError: an effect below the floor or above that of half a turn; a dose at a site that the model lacks.
        MemoryLimitError: not even one sequence fits into memory.
        BusyError: another thread is using the model.
    """
    assert dosage.effect is not None
    proportions = dosage.proportions
    with engine.session.use():
        return _Search(engine, proportions, progress).find(dosage.effect)


class _Search:
    """Looks for the angle of one dose on one model."""

    def __init__(self, engine: Engine, base: Dosage, progress: Listener | None) -> None:
        self._engine = engine
        self._base = base
        self._progress = progress
        self._meter = DoseMeter(engine, base)
        self._n_measured = 0

    def find(self, target: float) -> Titration:
        floor = self._measure(NEXT_TO_NOTHING)
        self._check_floor(floor, target)
        found = self._approach(floor, target)
        self._meter.release()
        return self._titration(found, floor, target)

    def _check_floor(self, floor: Measurement, target: float) -> None:
        if target <= floor.kl + 2 * floor.kl_error:
            raise DoseError(
                f"the effect is {target:g} nats, and under next to no dose this model moves by {floor.kl:.4f} already, "
                "because its numbers are rounded differently: ask for more than that, or take a file with less "
                "quantization"
            )

    def _approach(self, floor: Measurement, target: float) -> Measurement:
        """Measure at better and better angles."""
        low, high = floor, None
        angle = _rounded(self._engine.effects.find(replace(self._base, effect=target)).angle)
        for _ in range(_MOST):
            found = self._measure(angle)
            if abs(found.kl - target) <= _CLOSE * target:
                return found
            if found.kl > target:
                high = found
            elif found.angle < MAX_ANGLE:
                low = found
            else:
                raise DoseError(
                    f"the effect is {target:g} nats, but half a turn at {self._meter.sites} moves this model by only "
                    f"{found.kl:.3f}: ask for less, or name other sites"
                )
            if high is not None and high.angle < low.angle * _APART**2:
                return self._at_jump(low, high, target)
            angle = _rounded(_predict(floor.kl, low, high, target))
        raise DoseError(
            f"no angle at {self._meter.sites} was found that moves this model by {target:g} nats: "
            "ask for another effect"
        )

    def _at_jump(self, low: Measurement, high: Measurement, target: float) -> Measurement:
        """Take the closer side of a jump, which rounding can cause between two close angles."""
        closer = min((low, high), key=lambda found: abs(found.kl - target))
        if abs(closer.kl - target) <= _CLOSE_AT_JUMP * target:
            return closer
        raise DoseError(
            f"the effect is {target:g} nats, but between {low.angle:g} and {high.angle:g} radians at "
            f"{self._meter.sites} the effect on this model jumps from {low.kl:.2g} to {high.kl:.2g}: "
            "ask for another effect, or name other sites"
        )

    def _measure(self, angle: float) -> Measurement:
        found = self._meter.measure(angle)
        self._n_measured += 1
        if self._progress is not None:
            self._progress(self._n_measured, found)
        return found

    def _titration(self, found: Measurement, floor: Measurement, target: float) -> Titration:
        # KL is floor + c * angle**2, so its derivative is 2 * (KL - floor) / angle
        error = found.kl_error * found.angle / (2 * (found.kl - floor.kl))
        titration = Titration(
            target=target,
            angle=found.angle,
            error=error,
            kl=found.kl,
            kl_error=found.kl_error,
            floor=floor.kl,
            changed=found.changed,
            perplexity=found.perplexity,
            dosage=self._base.scaled(found.angle),
        )
        return titration_of(titration.to_dict(), titration.source)  # rounded as in the file


def _predict(floor: float, low: Measurement, high: Measurement | None, target: float) -> float:
    """Return the next angle to try, between two at which KL is below and above the target.

    KL - floor is assumed to be a power of the angle: its square, until both sides are known.
    """
    if high is None:
        if low.kl <= floor:
            return min(MAX_ANGLE, max(_FIRST, 2 * low.angle))
        return min(MAX_ANGLE, low.angle * min(_MOST_GROWTH, math.sqrt((target - floor) / (low.kl - floor))) * _PAST)
    power = 2.0
    if low.kl > floor:
        power = math.log((high.kl - floor) / (low.kl - floor)) / math.log(high.angle / low.angle)
    angle: float = high.angle * ((target - floor) / (high.kl - floor)) ** (1 / max(power, _LEAST_POWER))
    return min(max(angle, low.angle * _APART), high.angle / _APART)


def _rounded(angle: float) -> float:
    """Round an angle to the precision in which it is kept and shown."""
    return min(float(f"{angle:.4g}"), MAX_ANGLE)
