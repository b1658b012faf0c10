"""One model after another, its settings, and what must hold after each call."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drugs_cpp import DRUGS, StateError
from random_calls.believed import Believed, Settings
from random_calls.company import ALLOWED, REFUSED
from random_calls.mistakes import MISTAKES
from random_calls.oracle import Oracle, open_model

#: as few doses as cover each kind of noise, so that a fresh model is asked for each only once
DOSES: list[dict[str, Any]] = [
    {},
    {"A": 0.6},
    {"H": 0.5, "Q": 0.5, "pK": 0.5, "pV": 0.5},
    {"K": 0.5},
    {"K": 0.3, "V": 0.6},
    {"A": 0.6, "noise": "reference"},
    {"A": 0.6, "M": 0.5, "hold": {"A": "text"}, "turn": "nlerp"},
    {"A": 0.6, "multiplier": 0.0},
]
SEEDS = [7, 8]

doses = st.sampled_from(DOSES)
seeds = st.sampled_from(SEEDS)
intervals = st.sampled_from([1, 5, 420])


@dataclass
class Text:
    """A generator that may continue.

    Attributes:
        tokens: the generator.
        wanted: everything it must yield; None: something that its tokens depend on has changed.
        last: the token that it yielded last.
        left: the sequence at that time.
        n: number of tokens that it has yielded.
        is_touched: another call may have changed the sequence since.
    """

    tokens: Generator[int, Any, None]
    wanted: list[int] | None
    last: int
    left: list[int]
    n: int = 1
    is_touched: bool = False


class ModelCalls(RuleBasedStateMachine):
    """One model after another, its independent counterpart, and what fresh models write.

    Attributes:
        path: of the model file; set by the caller.
        oracle: of the same file.
        n_calls: number of calls made, by all instances.
    """

    path: str
    oracle: Oracle
    n_calls: int

    llm: Any  # a Llama, whose answers have the shapes of streams and of whole texts
    repeatable: bool | None
    settings: Settings
    believed: Believed
    text: Text | None
    saved: tuple[Any, Believed, Settings] | None

    @initialize(
        repeatable=st.sampled_from([True, None]), twin=st.booleans(), dose=doses, seed=seeds, interval=intervals
    )
    def open(self, repeatable: bool | None, twin: bool, dose: dict[str, Any], seed: int, interval: int) -> None:
        self.repeatable = repeatable
        self.settings = Settings(DRUGS(dose, seed=seed), sober_interval=interval)
        self.believed, self.text, self.saved = Believed(), None, None
        self.llm = open_model(self.path, self.settings.copy(), repeatable, twin)

    def teardown(self) -> None:
        if hasattr(self, "llm"):
            self.text = None
            self.llm.close()

    @rule(call=st.sampled_from(sorted(REFUSED)), look=st.sampled_from(sorted(ALLOWED)), twin=st.booleans())
    def close(self, call: str, look: str, twin: bool) -> None:
        """A closed model says that it is closed; the next one is another model."""
        text, self.text = self.text, None
        self.llm.close()
        calls: list[Callable[[], object]] = [lambda: REFUSED[call](self.llm), lambda: ALLOWED[look](self.llm)]
        calls += [] if text is None else [lambda: next(text.tokens)]
        for use in calls[1:] if call == "close" else calls:
            with pytest.raises(StateError, match="closed"):
                use()
        self.llm.close()
        saved = self.saved
        self.open(self.repeatable, twin, {}, SEEDS[0], self.settings.sober_interval)
        self.saved = saved

    @rule()
    def pickle(self) -> None:
        """A copy of the model continues, and the old one is gone."""
        again = pickle.loads(pickle.dumps(self.llm))
        self.text = None
        self.llm.close()
        self.llm = again
        gc.collect()

    @rule(name=st.sampled_from(sorted(MISTAKES)))
    def make_a_mistake(self, name: str) -> None:
        call, kind = MISTAKES[name]
        before = self.llm.drugs.to_dict()
        with pytest.raises(kind, match=r"\w"):
            call(self.llm)
        assert self.llm.drugs.to_dict() == before

    @rule(dose=doses, seed=seeds, in_place=st.booleans())
    def set_drugs(self, dose: dict[str, Any], seed: int, in_place: bool) -> None:
        self.settings.drugs = DRUGS(dose, seed=seed)
        if in_place:
            self.llm.drugs.assign(self.settings.drugs)
        else:
            self.llm.drugs = self.settings.drugs.copy()
        self._disturb()

    @rule(dose_inputs=st.booleans(), sink=st.sampled_from([0, 6, 12]), interval=intervals)
    def set_rules(self, dose_inputs: bool, sink: int, interval: int) -> None:
        self.llm.dose_inputs = self.settings.dose_inputs = dose_inputs
        self.llm.sink = self.settings.sink = sink
        self.llm.sober_interval = self.settings.sober_interval = interval
        self._disturb()

    #
    # what must hold after each call
    #

    @invariant()
    def the_sequence_is_what_it_must_be(self) -> None:
        if hasattr(self, "llm"):
            type(self).n_calls += 1
            assert self._cached() == self.believed.tokens
            flags = self.llm.engine.session.ledger.flags().tolist()
            assert flags + [False] * (len(self.believed.tokens) - len(flags)) == self.believed.dirty
            assert self.llm.dirty_count == sum(self.believed.dirty)
            assert self.llm.drugs == self.settings.drugs

    def _cached(self) -> list[int]:
        return self.llm.input_ids[: self.llm.n_tokens].tolist()  # type: ignore[no-any-return]

    def _seed(self) -> int:
        seed = self.settings.drugs.seed
        assert seed is not None
        return seed

    def _wanted(self, prompt: Sequence[int], seed: int, n: int) -> list[int]:
        return self.oracle.text(self.settings, self.repeatable, prompt, seed, n)

    def _written(self, prompt: Sequence[int], new_tokens: list[int]) -> None:
        """A text was started with a prompt, and all its tokens except the last one were fed back."""
        self.believed.begin(prompt, self.settings)
        self.believed.feed_back(new_tokens[:-1], self.settings)
        self._touch()

    def _touch(self) -> None:
        """Another call may have changed what a text has left in the cache."""
        if self.text is not None:
            self.text.is_touched = True

    def _disturb(self) -> None:
        """Something that the next tokens of a text depend on has changed."""
        if self.text is not None:
            self.text.wanted = None

    def _refused(self, call: Callable[[], object], kind: type[Exception]) -> None:
        with pytest.raises(kind, match=r"\w"):
            call()
