"""The state machine: its rules are the public calls of a model, in any order, with another thread and Ctrl-C."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from drugs_cpp import BusyError
from random_calls.company import ALLOWED, REFUSED, Worker, busy, interrupted, try_both
from random_calls.model_calls import seeds
from random_calls.oracle import N_CTX, PROMPT
from random_calls.text_calls import TextCalls, as_text, few, lengths


class RandomCalls(TextCalls):
    """All calls."""

    @rule(
        prompt=lengths,
        n=few,
        seed=seeds,
        refused=st.sampled_from(sorted(REFUSED)),
        allowed=st.sampled_from(sorted(ALLOWED)),
    )
    def call_while_busy(self, prompt: int, n: int, seed: int, refused: str, allowed: str) -> None:
        wanted = self._wanted(PROMPT[:prompt], seed, n)
        with busy(self.llm, PROMPT[:prompt], seed, n) as other:
            try_both(self.llm, refused, allowed)
        assert other.result()["choices"][0]["text"] == as_text(wanted)
        self._written(PROMPT[:prompt], wanted)

    @rule(prompt=lengths, seed=seeds, call=st.sampled_from(sorted(set(REFUSED) - {"close"})))
    def race(self, prompt: int, seed: int, call: str) -> None:
        """Two threads at once: the second one is refused, or runs after the first."""
        other = Worker(lambda: self.llm.create_completion(PROMPT[:prompt], max_tokens=40, seed=seed))
        with contextlib.suppress(BusyError):
            REFUSED[call](self.llm)
        with contextlib.suppress(BusyError):
            text = other.result()["choices"][0]["text"]
            assert text == as_text(self._wanted(PROMPT[:prompt], seed, 40))
        self.reset()

    @rule(what=st.sampled_from(["eval", "complete", "Dgenerate", "shower", "variations"]), n=st.integers(0, 60))
    def interrupt(self, what: str, n: int) -> None:
        """The cache contains what it did before, or a part of what it should contain; and it can be made clean."""
        seed = self._seed()
        before = list(self.believed.tokens)
        room = (PROMPT * 6)[: N_CTX - len(before) - (self.believed.pending is not None)]
        calls: dict[str, Callable[[], object]] = {
            "eval": lambda: self.llm.eval(room, dosed=True),
            "complete": lambda: self.llm.create_completion(PROMPT, max_tokens=40, seed=seed),
            "Dgenerate": lambda: self.llm.Dgenerate(PROMPT, past_key_values=None, max_new_tokens=40),
            "shower": lambda: self.llm.cold_shower(),
            "variations": lambda: self.llm.variations(PROMPT, n=4, max_tokens=12),
        }
        pending = [] if self.believed.pending is None else [self.believed.pending]
        interrupted(self.llm, calls[what], n)
        tokens = self._cached()
        if what in ("complete", "Dgenerate"):
            of_run = self.llm.seed  # Dgenerate continues with the seed of the last run
            wanted = PROMPT + self._wanted(PROMPT, seed if of_run is None or what == "complete" else of_run, 40)
            assert tokens in (before[: len(tokens)], wanted[: len(tokens)])
        elif what == "eval":
            assert tokens == (before + pending + room)[: len(tokens)]
            assert len(tokens) >= len(before)
        else:
            assert tokens == before
        self._check_that_it_gets_clean(tokens)
        self.reset()
