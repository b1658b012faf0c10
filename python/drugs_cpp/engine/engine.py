"""``Engine``: what the methods of a model work with: its settings, session and doses, and the seeds of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.callbacks import GuardedProcessors
from drugs_cpp.engine.effects import Effects
from drugs_cpp.engine.in_use import InUse
from drugs_cpp.engine.inputs import LAST
from drugs_cpp.engine.model_sites import ModelSites
from drugs_cpp.engine.run import Run
from drugs_cpp.engine.sampling import chain_of, make_sampler
from drugs_cpp.engine.seeds import Seeds
from drugs_cpp.engine.slot_keeper import SlotKeeper

if TYPE_CHECKING:
    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.engine.session import Session


class Engine:
    """A loaded model that can run.

    Args:
        session: in the model's own context.
        dosing: what its user has set.

    Attributes:
        settings: of the model.
        effects: what is known about the effect of doses on the model.
        sites: of the model.
        slots: of its variations.
        seeds: of its runs.
        in_use: entered by every call that reads its vocabulary.
    """

    def __init__(self, session: Session) -> None:
        self.settings = session.settings
        self.session = session
        self.dosing = session.dosing
        self.effects = Effects()
        self.sites = ModelSites(session.address, self.effects)
        self.slots = SlotKeeper(session.settings, session.context)
        self.seeds = Seeds(session.dosing)
        self.in_use = InUse()

    def run(self, seed: int, dose_inputs: Inputs | None = None) -> Run:
        """Return a run that chooses the most likely tokens; ``dose_inputs`` None: as set for the model."""
        dose_inputs = self.dosing.dose_inputs if dose_inputs is None else dose_inputs
        return Run(seed, self.dosing, self.sites, dose_inputs)

    def sampled_run(
        self,
        seed: int,
        options: Mapping[str, Any],
        logit_bias: Mapping[Any, Any] | None = None,
        dose_inputs: Inputs | None = None,
    ) -> Run:
        """Return a run whose tokens are chosen according to upstream's options.

        Raises:
            TokenError: a bias for a token that is not in the vocabulary.
        """
        plain = self.run(seed, dose_inputs)
        sampler = make_sampler(self.settings, seed, options, logit_bias)
        return Run(seed, plain.dosing, plain.sites, plain.dose_inputs, sampler)

    def watched_run(
        self, seed: int, options: Mapping[str, Any], processors: Iterable[Any] | None, dose_inputs: Inputs | None = None
    ) -> Run:
        """Return a run for the loop in Python: always with a sampler, and with logits processors if there are some."""
        plain = self.run(seed, dose_inputs)
        guarded = None if processors is None else GuardedProcessors(processors)
        sampler = chain_of(self.settings, seed, options, guarded, self.session)
        return Run(seed, plain.dosing, plain.sites, plain.dose_inputs, sampler, guarded)

    def dose(self) -> SequenceDose | None:
        """Return the dose of tokens that are evaluated outside of a run; None: they are sober."""
        return (
            None
            if self.dosing.drugs.is_sober
            else self.dosing.dose(self.sites, self.seeds.current(), self.session.n_before)
        )

    def feed(self, tokens: list[int], inputs: Inputs) -> None:
        """Evaluate tokens, at least one, outside of a run. If all of them are dosed, they belong to the last answer."""
        session = self.session
        if inputs is not True:
            n_sober = len(tokens) - (inputs == LAST)
            session.evaluate(tokens[:n_sober])
            tokens = tokens[n_sober:]
            session.n_before = session.n_tokens + len(tokens)
        if tokens:
            session.evaluate(tokens, self.dose())

    def check_fit(self, n_new: int) -> None:
        """Raise a ContextOverflowError if ``n_new`` tokens have no room after the cache and a pending token."""
        self.session.check_fit(n_new, self.session.n_tokens + (self.session.pending is not None))

    def feed_pending(self) -> None:
        """Feed back the token that the last text chose but did not feed, as if that text went on."""
        session = self.session
        if session.pending is not None:
            session.shower_if_due(self.dosing.sober_interval)
            session.evaluate([session.pending], self.dose())
            session.pending = None

    def close(self) -> None:
        """Free what was made in addition to the model's own context."""
        self.session.drop_background_shower()
        self.slots.close()
