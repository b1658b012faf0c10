"""Calls that write text, each of which must write the same as a fresh model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from drugs_cpp import DRUGS, ContextOverflowError, NoLogitsError, StateError
from random_calls.cache_calls import CacheCalls, given_tokens
from random_calls.model_calls import SEEDS, Text, doses, seeds
from random_calls.oracle import N_CTX, PROMPT

lengths = st.sampled_from([3, 9, len(PROMPT)])
few = st.integers(1, 12)


class TextCalls(CacheCalls):
    """Completions, streams, generators, ``Dgenerate``, variations."""

    @rule(prompt=lengths, n=few, seed=seeds, stream=st.booleans())
    def complete(self, prompt: int, n: int, seed: int, stream: bool) -> None:
        wanted = self._wanted(PROMPT[:prompt], seed, n)
        if stream:
            chunks = self.llm.create_completion(PROMPT[:prompt], max_tokens=n, seed=seed, stream=True)
            text = "".join(chunk["choices"][0]["text"] for chunk in chunks)
        else:
            text = self.llm.create_completion(PROMPT[:prompt], max_tokens=n, seed=seed)["choices"][0]["text"]
        assert text == as_text(wanted), (text, as_text(wanted))
        assert self.llm.seed == seed
        self._written(PROMPT[:prompt], wanted)

    @rule(seed=seeds, prompt=lengths, n=few)
    def complete_with_a_chain_of_seeds(self, seed: int, prompt: int, n: int) -> None:
        self.llm.set_seed(seed)
        answers = [self.llm.create_completion(PROMPT[:prompt], max_tokens=n) for _ in range(2)]
        assert self.llm.seed is not None
        wanted = self._wanted(PROMPT[:prompt], self.llm.seed, n)
        assert answers[1]["choices"][0]["text"] == as_text(wanted)
        self.llm.drugs.seed = self.settings.drugs.seed = seed
        self._written(PROMPT[:prompt], wanted)

    @rule(prompt=lengths, n=few)
    def break_a_stream_off(self, prompt: int, n: int) -> None:
        """It keeps what was written so far, and it is unknown how much that is."""
        seed = self._seed()
        wanted = self._wanted(PROMPT[:prompt], seed, 12)
        chunks = self.llm.create_completion(PROMPT[:prompt], max_tokens=12, seed=seed, stream=True)
        for _ in zip(range(n), chunks):
            pass
        chunks.close()
        n_fed = self.llm.n_tokens - prompt
        assert 0 <= n_fed < 12
        self._written(PROMPT[:prompt], wanted[: n_fed + 1])

    @rule(prompt=lengths)
    def begin(self, prompt: int) -> None:
        seed = self._seed()
        wanted = self._wanted(PROMPT[:prompt], seed, 40)
        tokens = self.llm.generate(PROMPT[:prompt])
        assert next(tokens) == wanted[0]
        self._written(PROMPT[:prompt], wanted[:1])
        self.text = Text(tokens, wanted, wanted[0], list(self.believed.tokens))

    @precondition(lambda self: self.text is not None)
    @rule(n=few)
    def go_on(self, n: int) -> None:
        """It cannot continue if another call has changed the tokens."""
        text = self.text
        assert text is not None
        for _ in range(n):
            is_changed = self.believed.tokens != text.left
            try:
                token = next(text.tokens)
            except StateError:
                assert text.is_touched
                self.text = None
                return
            except ContextOverflowError:
                assert len(self.believed.tokens) == N_CTX
                self.text = None
                return
            assert not is_changed
            if text.wanted is not None and text.n < len(text.wanted):
                assert token == text.wanted[text.n]
            self.believed.feed_back([text.last], self.settings)
            text.last, text.n, text.left = token, text.n + 1, list(self.believed.tokens)

    @rule(tokens=given_tokens, n=few)
    def dgenerate(self, tokens: list[int], n: int) -> None:
        believed = self.believed
        n_new = len(tokens) + (believed.pending is not None)
        if len(believed.tokens) + n_new > N_CTX:
            self._refused(lambda: self.llm.Dgenerate(tokens, max_new_tokens=n), ContextOverflowError)
            return
        if not believed.tokens and n_new == 0:
            self._refused(lambda: self.llm.Dgenerate(tokens, max_new_tokens=n), NoLogitsError)
            return
        try:
            new = self.llm.Dgenerate(tokens, max_new_tokens=n)
        except NoLogitsError:
            assert n_new == 0  # the cache was cut or restored, and its last logits are gone
            return
        self._touch()
        believed.feed_pending(self.settings)
        believed.compute(tokens, self.settings, self.settings.dose_inputs)
        believed.feed_back(new[:-1], self.settings)
        believed.pending = new[-1]

    @rule(prompt=lengths, n=st.integers(1, 4), n_parallel=st.sampled_from([None, 1, 2]), stream=st.booleans())
    def vary(self, prompt: int, n: int, n_parallel: int | None, stream: bool) -> None:
        seeds = (SEEDS * 2)[:n]
        options: Any = {"seeds": seeds, "max_tokens": 6, "n_parallel": n_parallel, "stream": stream}
        answer = self.llm.variations(PROMPT[:prompt], **options)
        texts = [""] * n
        for chunk in answer if stream else [answer]:
            for choice in chunk["choices"]:
                texts[choice["index"]] += choice["text"]
        assert texts == [as_text(self._wanted(PROMPT[:prompt], seed, 6)) for seed in seeds]

    @rule(dose=doses, prompt=lengths)
    def dosed(self, dose: dict[str, Any], prompt: int) -> None:
        """Other doses for a block."""
        before = self.settings.drugs
        with self.llm.dosed(DRUGS(dose, seed=SEEDS[1])):
            self.settings.drugs = DRUGS(dose, seed=SEEDS[1])
            self.complete(prompt, 5, SEEDS[1], False)
        self.settings.drugs = before


def as_text(tokens: Sequence[int]) -> str:
    """Each token is one character."""
    return "".join(chr(token) for token in tokens)
