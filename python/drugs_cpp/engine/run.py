"""``Run``: what one generation needs beside the session that it goes on in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drugs_cpp.doses.seed import fresh_seed

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler

    from drugs_cpp.engine.callbacks import GuardedProcessors
    from drugs_cpp.engine.dosing import Dosing, SequenceDose
    from drugs_cpp.engine.model_sites import ModelSites
    from drugs_cpp.engine.session import Session


@dataclass(frozen=True)
class RunSeed:
    """The seed of a run.

    Attributes:
        seed: of its noise and its sampler.
        set_seed: what ``drugs.seed`` was when the run took its seed.
    """

    seed: int
    set_seed: int | None

    @classmethod
    def begin(cls, given: int | None, set_seed: int | None) -> RunSeed:
        """The seed that was given to the run, else the one that is set, else a fresh one."""
        return cls(next(seed for seed in (given, set_seed, fresh_seed()) if seed is not None), set_seed)


@dataclass(frozen=True)
class Run:
    """One generation.

    Attributes:
        seed: of its noise and its sampler.
        dosing: the doses and rules of the model, which may change between two tokens.
        sites: of the model.
        dose_inputs: tokens that the user gives are dosed, too.
        sampler: what chooses tokens; None: the most likely one is taken.
        processors: logits processors that the sampler calls, or None.
    """

    seed: int
    dosing: Dosing
    sites: ModelSites
    dose_inputs: bool
    sampler: LlamaSampler | None = None
    processors: GuardedProcessors | None = None

    def dose(self) -> SequenceDose | None:
        """The dose of tokens that are fed back; None: they are sober."""
        return self.dosing.dose(self.sites, self.seed)

    def input_dose(self) -> SequenceDose | None:
        """The dose of tokens that the user gives."""
        return self.dose() if self.dose_inputs else None

    def feed_input(self, session: Session, tokens: list[int]) -> None:
        """Evaluate tokens that the user gives. In a dosed run the last one gets a batch of its own.

        A batch of one token rounds differently from a larger one, and that is enough to tip a choice: so the last token
        of a prompt is always computed alone, whatever of the prompt was in the cache.
        """
        session.evaluate(tokens, self.input_dose(), last_alone=not self.dosing.drugs.is_sober)

    def feed_back(self, session: Session, tokens: list[int]) -> None:
        """Evaluate tokens that the run chose, after a cold shower if one is due."""
        session.shower_if_due(self.dosing.sober_interval)
        session.evaluate(tokens, self.dose())
