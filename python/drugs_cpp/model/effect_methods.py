"""Methods of a model that find a dose by its effect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from drugs_cpp.doses.drugs import as_drugs
from drugs_cpp.doses.sites import SITES, check_sites
from drugs_cpp.model.calibration import calibrate, recall_effect
from drugs_cpp.model.engine_properties import EngineProperties

if TYPE_CHECKING:
    from drugs_cpp.doses.drugs import DrugsLike
    from drugs_cpp.doses.titration import Titration
    from drugs_cpp.model.titration import Listener


#: nats, if none are given
DEFAULT_EFFECT = 0.05


class EffectMethods(EngineProperties):
    """The part of :class:`drugs_cpp.Llama` that deals with the effect of a dose."""

    def titrate(
        self,
        site: str | Iterable[str] | None = None,
        kl: str | float | None = None,
        *,
        drugs: DrugsLike = None,
        again: bool = False,
        progress: Listener | None = None,
    ) -> Titration:
        """Find the angle at which a dose has a given effect on the probabilities of the next token.

        Four short texts that never change are fed: 24 tokens of each sober, then 32 under the dose, with 8 seeds. The
        effect is the mean KL(sober ‖ dosed) of the next token. The model's doses, seeds and cache stay as they are.
        The result is kept for the model's file in the user's cache folder (or in the folder named by the environment
        variable DRUGS_CACHE), unless an adapter is loaded.

        Args:
            site: one of ``SITES``, or several, which get the same angle. None: the doses of ``drugs``, which keep their
                proportions.
            kl: the effect in nats, or a name: "mild" 0.01, "medium" 0.05, "strong" 0.2; the result is within 3 % of
                it. None: the effect of ``drugs``, otherwise 0.05.
            drugs: the rest of the dose, such as its shape, noise and hold. None: the defaults.
            again: measure even if the result is known.
            progress: called after each measurement with the number of measurements and the last result. None: a line
                on a terminal, if the model is verbose.

        Raises:
            DoseError: a target that is not a positive number, is below this model's floor (the effect of next to no
                dose) or above the effect of half a turn; an unknown site; nothing to titrate.
            PromptError: the model has no tokens for the texts.
            MemoryLimitError: not even one sequence fits into memory.
            BusyError: another thread is using the model.
        """
        dosage = as_drugs(drugs).dosage
        sites = [] if site is None else check_sites(site)
        thetas = {one: float(one in sites) for one in SITES} if sites else {}
        effect = DEFAULT_EFFECT if kl is None and dosage.effect is None else kl
        dosage = dosage.with_doses(thetas, {}, 1.0, effect)
        found = None if again else recall_effect(self.engine, dosage)
        return calibrate(self.engine, dosage, progress) if found is None else found
