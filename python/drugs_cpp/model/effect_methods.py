"""Methods of a model that find a dose by its effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from drugs_cpp.doses.drugs import as_drugs
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.titration import base_dosage, titrate
from drugs_cpp.progress import Progress

if TYPE_CHECKING:
    from drugs_cpp.doses.drugs import DRUGS
    from drugs_cpp.model.titration import Listener, Measurement, Titration


class EffectMethods(EngineProperties):
    """What :class:`drugs_cpp.Llama` knows of what a dose does to it."""

    verbose: bool

    def titrate(
        self,
        site: str | Iterable[str] | None = None,
        kl: float = 0.05,
        *,
        drugs: DRUGS | Mapping[str, Any] | None = None,
        progress: Listener | None = None,
    ) -> Titration:
        """Find the angle at which a dose moves the probabilities of the next token as far as wanted.

        Four short texts that never change are fed: 24 tokens of each sober, then 32 under the dose, with 8 seeds. The
        effect is the mean KL(sober ‖ dosed) of the next token. The model's doses, seeds and cache stay as they are.

        Args:
            site: one of ``SITES``, or several, which get the same angle. None: the doses of ``drugs``, which keep their
                proportions.
            kl: how far, in nats; the result is within a tenth of it.
            drugs: all else of the dose, such as its shape, noise and hold. None: nothing else.
            progress: called after each measurement with their number and what the last one found. None: a line on a
                terminal, if the model is verbose.

        Raises:
            DoseError: a target that is no positive number, below what next to no dose does to this model (its floor),
                or above what half a turn does; no such site; nothing to titrate.
            MemoryLimitError: not even one sequence fits into memory.
            BusyError: another thread is using the model.
        """
        base = base_dosage(site, as_drugs(drugs))
        with Progress("titrating", self.verbose and progress is None) as line:

            def tell(n_measured: int, found: Measurement) -> None:
                line.show(f"titrating: {found.kl:.4f} nats at {found.angle:.4f} radians")
                if progress is not None:
                    progress(n_measured, found)

            return titrate(self.engine, base, kl, tell)
