"""Calls that change the cache but write nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from drugs_cpp import ContextOverflowError, StateError
from random_calls.model_calls import ModelCalls
from random_calls.oracle import N_CTX, last_logits
from support.patience import wait_until

given_tokens = st.lists(st.integers(33, 126), max_size=20)


class CacheCalls(ModelCalls):
    """Evaluating, shortening, showers, saved states."""

    @rule(tokens=given_tokens, dosed=st.sampled_from([None, False, True]))
    def eval(self, tokens: list[int], dosed: bool | None) -> None:
        n_new = len(tokens) + (self.believed.pending is not None and len(tokens) > 0)
        if len(self.believed.tokens) + n_new > N_CTX:
            self._refused(lambda: self.llm.eval(tokens, dosed=dosed), ContextOverflowError)
            return
        self.llm.eval(tokens, dosed=dosed)
        if tokens:
            self.believed.feed_pending(self.settings)
            self.believed.compute(tokens, self.settings, self.settings.dose_inputs if dosed is None else dosed)
            self._touch()

    @rule()
    def reset(self) -> None:
        self.llm.reset()
        self.believed.clear()
        self._touch()

    @rule(n_tokens=st.integers(0, N_CTX))
    def cut(self, n_tokens: int) -> None:
        n_tokens = min(n_tokens, len(self.believed.tokens))
        self.llm.n_tokens = n_tokens
        self.believed.cut(n_tokens)
        self._touch()

    @rule(force=st.booleans())
    def shower(self, force: bool) -> None:
        first = self.believed.dirty.index(True) if any(self.believed.dirty) else None
        is_due = first is not None and (force or sum(self.believed.dirty) >= self.settings.sober_interval)
        n_again = self.llm.cold_shower(force)
        assert n_again == (len(self.believed.tokens) - (first or 0) if is_due else 0)
        if is_due:
            self.believed.shower()
            self._disturb()

    @rule(then=st.sampled_from(["wait", "shower", "use", "forget"]))
    def shower_in_background(self, then: str) -> None:
        self.llm.cold_shower(block=False)
        if then == "shower":
            self.llm.cold_shower()
        elif then == "wait":
            wait_until(lambda: self.llm.dirty_count == 0)
        elif then == "forget":
            self.close("reset", "n_tokens", False)
            return
        self.llm.eval([])  # takes over what is complete, and drops the rest
        if then != "use" or self.llm.dirty_count == 0:
            self.believed.shower()
        self._disturb()

    @rule()
    def save(self) -> None:
        self.saved = (self.llm.save_state(), self.believed.copy(), self.settings.copy())

    @precondition(lambda self: self.saved is not None)
    @rule()
    def load(self) -> None:
        assert self.saved is not None
        state, believed, settings = self.saved
        if state.positions.sober_twin and self.llm.engine.session.twin is None:
            self._refused(lambda: self.llm.load_state(state), StateError)
            return
        self.llm.load_state(state)
        self.believed, self.settings = believed.copy(), settings.copy()
        self._touch()

    @rule()
    def look_whether_clean_means_clean(self) -> None:
        tokens = list(self.believed.tokens)
        self._check_that_it_gets_clean(tokens)
        if tokens:
            self.believed.cut(len(tokens) - 1)
            self.believed.shower()
            self.believed.compute(tokens[-1:], self.settings, dosed=False)
            self._touch()

    def _check_that_it_gets_clean(self, tokens: list[int]) -> None:
        if not tokens:
            return
        self.llm.cold_shower()
        assert self.llm.dirty_count == 0
        self.llm.n_tokens = len(tokens) - 1
        self.llm.eval(tokens[-1:], dosed=False)
        wanted = self.oracle.sober_logits(self.repeatable, tokens)
        # Computation that is not repeatable rounds batches differently, and the cache has 11 bits per number. A
        # twin's cells are between those of its sequence, whose sums are rounded differently because of this.
        is_exact = self.repeatable and self.llm.engine.session.twin is None
        np.testing.assert_allclose(last_logits(self.llm), wanted, rtol=0, atol=0 if is_exact else 2e-3)
