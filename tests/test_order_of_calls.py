"""Calls in an unusual order: a text notices that another one was started, and leftovers do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import llama_cpp
import numpy as np
import pytest

from conftest import MakeLlama, last_logits
from drugs_cpp import DRUGS, SITES, ContextOverflowError, DoseError, Llama, StateError, _core
from support.tiny_texts import PROMPT, batches_of, strong, take, text

MakePlain = Callable[..., llama_cpp.Llama]


@pytest.fixture
def make_plain() -> Iterator[MakePlain]:
    made: list[llama_cpp.Llama] = []

    def make(path: str, **options: Any) -> llama_cpp.Llama:
        made.append(llama_cpp.Llama(path, **{"n_ctx": 256, "n_threads": 1, "verbose": False, **options}))
        return made[-1]

    yield make
    for plain in made:
        plain.close()


#
# a text that was disturbed by another call
#

OTHER_CALLS: dict[str, Callable[[Llama], object]] = {
    "the same number of tokens": lambda llm: llm.eval([9] * change_of_length(llm, reset=True)),
    "another text": lambda llm: llm.create_completion([9, 8, 7], max_tokens=3),
    "another text, token by token": lambda llm: take(llm.generate([9, 8, 7]), 3),
    "Dgenerate": lambda llm: llm.Dgenerate([9], max_new_tokens=2),
    "one more token": lambda llm: llm.eval([9]),
    "fewer tokens": lambda llm: setattr(llm, "n_tokens", 3),
    "a state": lambda llm: llm.load_state(llm.save_state()),
    "reset": lambda llm: llm.reset(),
}


def change_of_length(llm: Llama, reset: bool) -> int:
    n_tokens = llm.n_tokens
    if reset:
        llm.reset()
    return n_tokens


@pytest.mark.parametrize("other", OTHER_CALLS)
@pytest.mark.parametrize("begin", ["generate", "create_completion", "create_completion in Python", "twin"])
def test_a_text_is_not_resumed(make_llama: MakeLlama, tiny_model_path: str, begin: str, other: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), sober_twin=begin == "twin")
    processors = llama_cpp.LogitsProcessorList([lambda _, scores: scores])
    options: dict[str, Any] = {"logits_processor": processors} if "Python" in begin else {}
    chunks: Any
    if begin == "generate":
        chunks = llm.generate(PROMPT)
    else:
        chunks = llm.create_completion(PROMPT, max_tokens=50, stream=True, **options)
    take(chunks, 4)
    OTHER_CALLS[other](llm)
    with pytest.raises(StateError, match="begin it again"):
        take(chunks, 4)
    assert llm.create_completion(PROMPT, max_tokens=4)["choices"][0]["text"]


def refused(llm: Llama) -> None:
    with pytest.raises(ContextOverflowError):
        llm.eval([5] * 1000)


@pytest.mark.parametrize(
    "harmless",
    [
        lambda llm: llm.cold_shower(),
        lambda llm: llm.save_state(),
        lambda llm: llm.sample(),
        lambda llm: llm.tokenize(b"hello"),
        lambda llm: llm.variations([9, 8, 7], n=2, max_tokens=2),
        refused,
    ],
)
@pytest.mark.parametrize("begin", ["generate", "create_completion"])
def test_a_text_goes_on_after_what_changes_no_token(
    llm: Llama, begin: str, harmless: Callable[[Llama], object]
) -> None:
    chunks: Any = llm.generate(PROMPT) if begin == "generate" else llm.create_completion(PROMPT, stream=True)
    take(chunks, 4)
    harmless(llm)
    assert len(take(chunks, 4)) == 4


def test_a_processor_that_changes_the_text(llm: Llama) -> None:
    def change(_: Any, scores: Any) -> Any:
        llm.eval([9])
        return scores

    with pytest.raises(StateError, match="begin it again"):
        next(llm.generate(PROMPT, logits_processor=llama_cpp.LogitsProcessorList([change])))


#
# variations while a text is in progress
#


def test_variations_between_two_chunks_leave_the_streams_processors(llm: Llama) -> None:
    seen: list[int] = []

    def watch(tokens: Any, scores: Any) -> Any:
        seen.append(len(tokens))
        if len(seen) == 8:
            raise ArithmeticError("from the stream's processor")
        scores[:] = -np.inf
        scores[70] = 0
        return scores

    processors = llama_cpp.LogitsProcessorList([watch])
    chunks: Any = llm.create_completion(PROMPT, max_tokens=20, stream=True, logits_processor=processors)
    found = next(chunks)["choices"][0]["text"]
    llm.variations([9, 8, 7], n=3, max_tokens=4, temperature=0.8)
    found += next(chunks)["choices"][0]["text"]
    assert set(found) == set(llm.detokenize([70]).decode())
    with pytest.raises(ArithmeticError, match="from the stream's processor"):
        list(chunks)
    assert len(seen) == 8


def test_variations_leave_no_seed(llm: Llama) -> None:
    def hot() -> list[int]:
        return llm.Dgenerate([50], max_new_tokens=12, past_key_values=None, temp=1.0, top_k=0, top_p=1.0, min_p=0.0)

    wanted = hot()
    llm.variations(PROMPT, seeds=[1, 2, 3], n=3, max_tokens=4, temperature=1.0)
    assert llm.seed == 7
    assert hot() == wanted


#
# plain models and states
#


def test_an_adoption_that_fails_leaves_the_model(make_plain: MakePlain, tiny_model_path: str) -> None:
    plain, other = make_plain(tiny_model_path), make_plain(tiny_model_path)
    for model in (plain, other):
        model.eval(PROMPT)
    before = dict(vars(plain))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_core, "has_sites", lambda *_: np.zeros((3, len(SITES)), np.bool_))
        with pytest.raises(DoseError, match="this model has no site"):
            DRUGS(A=0.3).inject(plain)
    assert type(plain) is llama_cpp.Llama
    assert vars(plain) == before
    assert take(plain.generate(PROMPT, temp=0.0), 5) == take(other.generate(PROMPT, temp=0.0), 5)
    assert take(Llama.adopt(plain, strong()).generate(PROMPT), 5)


@pytest.mark.parametrize("n_batch", [4, 64, 256])
@pytest.mark.parametrize("saver", ["plain", "ours"])
def test_a_state_goes_into_a_model_with_other_batches(
    make_plain: MakePlain, make_llama: MakeLlama, tiny_model_path: str, n_batch: int, saver: str
) -> None:
    make: Any = make_plain if saver == "plain" else make_llama
    saved = make(tiny_model_path, n_batch=16)
    saved.eval(PROMPT * 3)
    state = saved.save_state()
    llm = make_llama(tiny_model_path, drugs=strong(), n_batch=n_batch)
    llm.load_state(state)
    assert llm.input_ids[: llm.n_tokens].tolist() == PROMPT * 3
    llm.eval([50])
    saved.eval([50])
    np.testing.assert_allclose(last_logits(llm), last_logits(saved), atol=1e-4)


def test_a_state_without_the_logits_that_a_model_keeps(make_llama: MakeLlama, tiny_model_path: str) -> None:
    some, every = (make_llama(tiny_model_path, logits_all=logits_all, n_batch=4) for logits_all in (False, True))
    for model in (some, every):
        model.eval(PROMPT)
    with pytest.raises(StateError, match=r"the logits of 4 of its 8 tokens: .*logits_all=False"):
        every.load_state(some.save_state())
    assert every.n_tokens == len(PROMPT)
    state = every.save_state()
    wanted = every.scores[: len(PROMPT)].copy()
    every.eval([50])
    every.scores[:] = 0
    every.load_state(state)
    np.testing.assert_array_equal(every.scores[: len(PROMPT)], wanted)
    some.load_state(state)
    assert text(some) == text(every)


# nothing in a plain model was computed repeatably, and its positions count as computed one by one
@pytest.mark.parametrize(("repeatable", "wanted"), [(None, [len(PROMPT) + 1]), (False, [len(PROMPT), 1])])
@pytest.mark.parametrize("how", ["state", "adopted"])
def test_nothing_is_known_of_batches_of_a_plain_model(
    make_llama: MakeLlama,
    make_plain: MakePlain,
    tiny_model_path: str,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    repeatable: bool | None,
    wanted: list[int],
) -> None:
    plain = make_plain(tiny_model_path)
    plain.eval(PROMPT)
    if how == "state":
        llm = make_llama(tiny_model_path, drugs=strong(), repeatable=repeatable)
        llm.load_state(plain.save_state())
    else:
        llm = Llama.adopt(plain, strong())
        llm.engine.dosing.repeatable = repeatable
    sizes = batches_of(llm, monkeypatch)
    next(llm.generate([*PROMPT, 50]))
    assert sizes == wanted
