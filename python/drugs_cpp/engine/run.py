"""``Run``: what one generation needs in addition to its session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drugs_cpp.engine.inputs import LAST, Inputs

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler

    from drugs_cpp.engine.callbacks import GuardedProcessors
    from drugs_cpp.engine.dosing import Dosing, SequenceDose
    from drugs_cpp.engine.model_sites import ModelSites
    from drugs_cpp.engine.session import Session


@dataclass(frozen=True)
class Run:
    """One generation.

    Attributes:
        seed: of its noise and its sampler.
        dosing: the doses and rules of the model, which may change between two tokens.
        sites: of the model.
        dose_inputs: what of the tokens that the user gives is dosed.
        sampler: what chooses tokens; None: the most likely one is taken.
        processors: logits processors that the sampler calls, or None.
    """

    seed: int
    dosing: Dosing
    sites: ModelSites
    dose_inputs: Inputs
    sampler: LlamaSampler | None = None
    processors: GuardedProcessors | None = None

    def dose(self, n_before: int) -> SequenceDose | None:
        """Return the dose of tokens, given the number of positions before the answer; None: they are sober."""
        return self.dosing.dose(self.sites, self.seed, n_before)

    @property
    def doses_last(self) -> bool:
        """Whether only the last token of a prompt is dosed."""
        return self.dose_inputs == LAST and not self.dosing.drugs.is_sober

    @property
    def is_repeatable(self) -> bool:
        """Whether each token gets the same bits in any batch."""
        return self.dosing.is_repeatable

    def feed_input(self, session: Session, tokens: list[int]) -> None:
        """Evaluate tokens that the user gives.

        If a run is not repeatable, a batch of one token rounds differently from a larger one, which is enough to change
        a choice. A dosed run then computes the last token of a prompt alone, whatever the cache held of the prompt.
        """
        if not tokens:
            return
        n_before = session.n_tokens + len(tokens)
        dose = self.dose(n_before) if self.dose_inputs else None
        if self.doses_last:
            session.evaluate(tokens[:-1])
            session.evaluate(tokens[-1:], dose)
        else:
            last_alone = not self.is_repeatable and not self.dosing.drugs.is_sober
            session.evaluate(tokens, dose, last_alone)
        session.n_before = n_before

    def feed_back(self, session: Session, tokens: list[int]) -> None:
        """Evaluate tokens that the run chose, after a cold shower if one is due."""
        session.shower_if_due(self.dosing.sober_interval)
        session.evaluate(tokens, self.dose(session.n_before))
