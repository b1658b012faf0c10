"""One thread at a time: calls from another thread are refused, and do not change the first one's text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import llama_cpp
import numpy as np
import pytest

from conftest import MakeLlama
from drugs_cpp import DRUGS, BusyError, Llama
from drugs_cpp.progress import Progress
from support.patience import PATIENCE, wait_until
from support.tiny_texts import PROMPT, strong

N = 12


class Held:
    """A call in another thread, held in the middle of its text until the test lets it continue."""

    def __init__(self, call: Callable[[Callable[..., Any]], Any]) -> None:
        self._inside = threading.Event()
        self._go_on = threading.Event()
        self._found: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._found.append(call(self._hold)))
        self._n = 0

    def _hold(self, _: Any, scores: Any) -> Any:
        """Called again and again, with something and the scores, which are returned."""
        self._n += 1
        if self._n == N // 2:
            self._inside.set()
            assert self._go_on.wait(PATIENCE)
        return scores

    def __enter__(self) -> Held:
        self._thread.start()
        wait_until(lambda: self._inside.is_set() or not self._thread.is_alive())
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._thread.join()

    @property
    def found(self) -> Any:
        return self._found[0]


@pytest.fixture
def llm(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path, drugs=strong())


def complete(llm: Llama, processor: Callable[..., Any] | None = None) -> Any:
    processors = None if processor is None else llama_cpp.LogitsProcessorList([processor])
    answer: Any = llm.create_completion(PROMPT, max_tokens=N, seed=3, logits_processor=processors)
    return answer["choices"]


OTHERS: dict[str, Callable[[Any], Any]] = {
    "close": lambda llm: llm.close(),
    "cold_shower": lambda llm: llm.cold_shower(),
    "cold_shower in the background": lambda llm: llm.cold_shower(block=False),
    "create_completion": lambda llm: llm.create_completion([1, 2, 3], max_tokens=2),
    "create_completion, streamed": lambda llm: next(llm.create_completion([1, 2, 3], stream=True)),
    "Dgenerate": lambda llm: llm.Dgenerate([1, 2, 3], max_new_tokens=2),
    "Dgenerate afresh": lambda llm: llm.Dgenerate([1, 2, 3], max_new_tokens=2, past_key_values=None),
    "embed": lambda llm: llm.embed("hello"),
    "create_embedding": lambda llm: llm.create_embedding("hello"),
    "eval": lambda llm: llm.eval([1, 2, 3]),
    "generate": lambda llm: next(llm.generate([1, 2, 3])),
    "input_ids": lambda llm: setattr(llm, "input_ids", np.zeros(256, np.intc)),
    "load_state": lambda llm: llm.load_state(STATE[0]),
    "n_tokens": lambda llm: setattr(llm, "n_tokens", 2),
    "reset": lambda llm: llm.reset(),
    "sample": lambda llm: llm.sample(),
    "save_state": lambda llm: llm.save_state(),
    "variations": lambda llm: llm.variations([1, 2, 3], n=2, max_tokens=2),
    "variations, streamed": lambda llm: next(llm.variations([1, 2, 3], n=2, max_tokens=2, stream=True)),
}

STATE: list[Any] = []


@pytest.mark.parametrize("other", OTHERS)
def test_a_refused_call_changes_nothing(llm: Llama, other: str) -> None:
    llm.eval([9, 8, 7])
    STATE[:] = [llm.save_state()]
    wanted = complete(llm)
    seed, slots = llm.seed, llm.engine.slots.slots
    with Held(lambda hold: complete(llm, hold)) as first:
        before = llm.n_tokens, llm.dirty_count
        with pytest.raises(BusyError, match="another thread is using this model"):
            OTHERS[other](llm)
        assert (llm.n_tokens, llm.dirty_count) == before
    assert first.found == wanted
    assert llm.seed == seed
    assert llm.engine.slots.slots is slots


def test_what_may_be_looked_at_meanwhile(llm: Llama) -> None:
    wanted = complete(llm)
    with Held(lambda hold: complete(llm, hold)) as first:
        assert llm.dirty_count > 0
        assert llm.n_tokens > len(PROMPT)
        assert llm.tokenize(b"hello")
        assert "A" in llm.sites
        for i in range(600):  # more tables than are cached
            llm.engine.sites.table(DRUGS(A=i / 1000).dosage, True)
    assert first.found == wanted


def test_a_refused_generator_can_be_begun_later(llm: Llama) -> None:
    wanted = [token for token, _ in zip(llm.generate([1, 2, 3]), range(3))]
    second = llm.generate([1, 2, 3])
    with Held(lambda hold: complete(llm, hold)) as first, pytest.raises(BusyError):
        next(second)
    assert first.found == complete(llm)
    assert [token for token, _ in zip(llm.generate([1, 2, 3]), range(3))] == wanted


@pytest.mark.parametrize("other", ["close", "eval", "generate", "n_tokens", "reset", "variations"])
def test_no_thread_comes_between_two_tokens(llm: Llama, other: str) -> None:
    """A call that returns a whole text is one step for all other threads, even if its loop is in Python."""

    def call(hold: Callable[..., Any]) -> Any:
        criteria = llama_cpp.StoppingCriteriaList([lambda tokens, scores: hold(tokens, scores) is None])
        return llm.create_completion(PROMPT, max_tokens=N, seed=3, stopping_criteria=criteria)["choices"]

    wanted = call(lambda *_: 0)
    with Held(call) as first, pytest.raises(BusyError, match="another thread is using this model"):
        OTHERS[other](llm)
    assert first.found == wanted


@pytest.mark.parametrize("other", ["close", "eval", "generate", "reset", "variations", "variations, streamed"])
def test_no_thread_comes_between_two_variations(llm: Llama, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def call() -> Any:
        return llm.variations(PROMPT, seeds=3, n=N, n_parallel=2, max_tokens=5)["choices"]

    wanted = call()

    def call_held(hold: Callable[..., Any]) -> Any:
        monkeypatch.setattr(Progress, "show", lambda *_: hold(0, 0))  # called between two of them
        return call()

    with Held(call_held) as first, pytest.raises(BusyError, match="another thread is using this model"):
        OTHERS[other](llm)
    assert first.found == wanted


def test_embedding_in_two_threads(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, embedding=True)
    wanted = llm.embed("hello")
    n_done = [0, 0]

    def work(i: int) -> None:
        for _ in range(50):
            try:
                assert llm.embed("hello") == wanted
                n_done[i] += 1
            except BusyError:
                pass

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(n_done) > 0
    assert llm.n_tokens == 0


def test_embedding_empties_the_cache(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, embedding=True)
    llm.eval(PROMPT)
    with pytest.raises(AttributeError):
        llm.embed([None])  # type: ignore[list-item]
    assert llm.n_tokens == 0
    plain = make_llama(tiny_model_path)
    plain.eval(PROMPT)
    with pytest.raises(RuntimeError, match="embedding=True"):
        plain.embed("hello")
    assert plain.n_tokens == len(PROMPT)


def test_a_callback_cannot_close_the_model(llm: Llama) -> None:
    def close(_: Any, scores: Any) -> Any:
        llm.close()
        return scores

    wanted = complete(llm)
    with pytest.raises(BusyError, match="a callback"):
        complete(llm, close)
    assert complete(llm) == wanted


def test_an_abandoned_stream_of_variations_in_another_thread(llm: Llama) -> None:
    """Any thread can drop a generator: this must not touch what another thread computes with."""
    wanted = llm.variations(PROMPT, seeds=5, n=3, max_tokens=6)["choices"]
    chunks: Iterator[Any] = llm.variations(PROMPT, seeds=1, n=3, max_tokens=60, stream=True)
    next(chunks)
    slots = llm.engine.slots.slots
    assert slots is not None
    thread = threading.Thread(target=chunks.close)  # type: ignore[attr-defined]
    with llm.engine.session.use():
        thread.start()
        thread.join()
        assert slots._logits is not None  # unchanged
    wait_until(lambda: not thread.is_alive())
    assert llm.variations(PROMPT, seeds=5, n=3, max_tokens=6)["choices"] == wanted
