"""``DoseMeter``: measures how far a dose moves a model, at any angle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drugs_cpp.doses.sites import SITES
from drugs_cpp.engine.contexts import sequence_tokens
from drugs_cpp.engine.dosing import dose_sequence
from drugs_cpp.engine.effect import Effect, EffectMeter
from drugs_cpp.errors import DoseError
from drugs_cpp.model.frozen_texts import N_FED, N_PROMPT, frozen_texts

if TYPE_CHECKING:
    from drugs_cpp.doses.dosage import Dosage
    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.engine import Engine

#: of the noise; the same ones at every angle, so that KL grows smoothly with it
SEEDS = range(1, 9)

#: radians: does next to nothing except that vectors are rounded differently; a smaller angle would not change some
NEXT_TO_NOTHING = 1e-3


@dataclass(frozen=True)
class Measurement:
    """What a dose does on the frozen texts.

    Attributes:
        angle: the largest angle that any layer gets at any of its sites, in radians.
        kl: mean KL(sober ‖ dosed) of the next token, in nats.
        kl_error: its standard error over the seeds.
        changed: share of the tokens after which another token is the most likely one.
        perplexity: of the texts under the dose, divided by that of the sober model.
    """

    angle: float
    kl: float
    kl_error: float
    changed: float
    perplexity: float


class DoseMeter:
    """Measures one dose on the frozen texts. Nothing else may use the model until :meth:`release` is called.

    Args:
        engine: of the model.
        dosage: the values for sites are proportions.

    Raises:
        DoseError: a dose at a site that the model lacks.
        MemoryLimitError: not even one sequence fits into memory.
    """

    def __init__(self, engine: Engine, dosage: Dosage) -> None:
        engine.sites.table(dosage, strict=True)
        self._engine = engine
        self._base = dosage
        settings = engine.settings
        n_tokens = sequence_tokens(settings, N_PROMPT + N_FED)
        wanted = min(len(SEEDS), settings.n_batch) if settings.decodes_together else 1
        n_slots = engine.slots.count(wanted, n_tokens, at_least=1)
        self._slots = engine.slots.open(n_slots, n_tokens)
        self._slots.take(self)  # if this is interrupted they are not released, so the next user clears them
        self._slots.compute_repeatably(engine.dosing.repeatable is not False)
        self._meter = EffectMeter(self._slots, n_slots, frozen_texts(int(settings.model.vocab)))

    def release(self) -> None:
        """Release the slots to others."""
        self._slots.user = None

    @property
    def sites(self) -> str:
        """Names of the sites that get a dose."""
        return ", ".join(site for site in SITES if self._base.largest_angle(site))

    def measure(self, angle: float) -> Measurement:
        """Measure the dose with this largest angle, in radians.

        Raises:
            DoseError: no layer gets an angle.
        """
        dosage = self._base.scaled(angle)

        def dose(seed: int, n_before: int) -> SequenceDose:
            given = dose_sequence(self._engine.sites, dosage, seed, n_before)
            if given is None:
                raise DoseError(f"no layer of this model gets an angle at {self.sites}: choose another shape")
            return given

        return _summary(angle, self._meter.measure(dose, SEEDS))


def _summary(angle: float, effect: Effect) -> Measurement:
    by_seed = effect.kl.mean(0)
    error = float(by_seed.std(ddof=1)) / math.sqrt(len(by_seed))
    changed, perplexity = float(effect.changed.mean()), math.exp(effect.nll.mean())
    return Measurement(angle, float(by_seed.mean()), error, changed, perplexity)
