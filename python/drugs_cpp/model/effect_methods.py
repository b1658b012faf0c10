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


#: nats, where none are given
DEFAULT_EFFECT = 0.05


class EffectMethods(EngineProperties):
    """What :class:`drugs_cpp.Llama` knows of what a dose does to it."""

    def titrate(
        self,
        site: str | Iterable[str] | None = None,
        kl: str | float | None = None,
        *,
        drugs: DrugsLike = None,
        again: bool = False,
        progress: Listener | None = None,
    ) -> Titration:
        """Find the angle at which a dose moves the probabilities of the next token as far as wanted.

        Four short texts that never change are fed: 24 tokens of each sober, then 32 under the dose, with 8 seeds. The
        effect is the mean KL(sober ‖ dosed) of the next token. The model's doses, seeds and cache stay as they are.
        What is found is kept for the model's file in the user's cache folder (or the folder that the environment
        variable DRUGS_CACHE names), unless an adapter is loaded.

        Args:
            site: one of ``SITES``, or several, which get the same angle. None: the doses of ``drugs``, which keep their
                proportions.
            kl: how far, in nats, or a name: "mild" 0.01, "medium" 0.05, "strong" 0.2; the result is within 3 % of
                it. None: the effect of ``drugs``, else 0.05.
            drugs: all else of the dose, such as its shape, noise and hold. None: nothing else.
            again: measure also what is known.
            progress: called after each measurement with their number and what the last one found. None: a line on a
                terminal, if the model is verbose.

        Raises:
            DoseError: a target that is not a positive number, below what next to no dose does to this model (its floor),
                or above what half a turn does; no such site; nothing to titrate.
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
