"""What ``drugs_cpp.Llama`` doses, and what it reuses from its cache."""

from __future__ import annotations

import llama_cpp
import numpy as np
import pytest

from conftest import MakeLlama, last_logits
from drugs_cpp import Llama
from support.tiny_texts import PROMPT, SINK, batches_of, feed_prompt, strong, take, text


@pytest.fixture(params=[None, False], ids=["repeatable", "as-llama.cpp"])
def llm(request: pytest.FixtureRequest, make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """A tiny model under strong doses, with both kinds of arithmetic."""
    return make_llama(tiny_model_path, drugs=strong(), repeatable=request.param)


@pytest.fixture
def sober(llm: Llama, make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """The same model and arithmetic, without doses."""
    return make_llama(tiny_model_path, repeatable=llm.repeatable is None)


def test_the_prompt_is_sober_and_so_is_the_first_token(llm: Llama, sober: Llama) -> None:
    run = llm.generate(PROMPT)
    first = next(run)
    assert llm.dirty_count == 0
    feed_prompt(sober)
    assert first == sober.sample()
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()
    second = next(run)
    assert llm.dirty_count == 1
    sober.eval([first])
    assert np.abs(last_logits(llm) - last_logits(sober)).max() > 0.1
    assert isinstance(second, int)


def test_every_token_fed_back_is_dosed(llm: Llama) -> None:
    assert len(text(llm)) == 24
    assert llm.n_tokens == len(PROMPT) + 23  # the last token was not fed
    assert llm.dirty_count == 23


def test_an_unprotected_prompt_is_dosed_past_the_sink(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), dose_inputs=True)
    next(llm.generate(PROMPT))
    assert llm.dirty_count == len(PROMPT) - SINK
    first = text(llm)
    assert text(llm) == first


@pytest.mark.parametrize("sink", [0, 3, 8])
def test_the_sink_can_be_set(make_llama: MakeLlama, tiny_model_path: str, sink: int) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), sink=sink)
    llm.eval(PROMPT, dosed=True)
    assert llm.dirty_count == len(PROMPT) - sink


def test_eval_is_sober_unless_told_otherwise(llm: Llama) -> None:
    llm.eval(PROMPT)
    assert llm.dirty_count == 0
    llm.eval([5, 6, 7], dosed=True)
    assert llm.dirty_count == 3
    llm.eval([8, 9])
    assert llm.dirty_count == 3
    llm.dose_inputs = True
    llm.eval([10])
    assert llm.dirty_count == 4


def test_the_prompt_of_the_next_run_is_sober_again(llm: Llama, sober: Llama) -> None:
    """A second turn repeats the first answer in its prompt: its dirty positions are computed again."""
    prompt = PROMPT + text(llm) + [40, 41]
    assert llm.dirty_count > 0
    next(llm.generate(prompt))
    assert llm.dirty_count == 0
    sober.eval(PROMPT[:-1])
    sober.eval(prompt[len(PROMPT) - 1 : -1])
    sober.eval(prompt[-1:])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


def test_a_clean_prefix_is_not_computed_again(llm: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    text(llm)
    sizes = batches_of(llm, monkeypatch)
    next(llm.generate([*PROMPT, 50, 51, 52]))
    assert sizes == ([3] if llm.repeatable is None else [3, 1])
    sizes.clear()
    next(llm.generate([*PROMPT, 50, 51, 52]))
    assert sizes == ([] if llm.repeatable is None else [1])


def test_only_the_last_token_of_a_prompt_is_computed_alone(llm: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    text(llm)
    sizes = batches_of(llm, monkeypatch)
    next(llm.generate([*PROMPT, 50]))  # the last token of PROMPT was computed alone, and would be again
    assert sizes == ([1] if llm.repeatable is None else [2, 1])


def test_a_sober_run_takes_nothing_dirty_from_the_cache(llm: Llama, sober: Llama) -> None:
    for prompt in (PROMPT, [*PROMPT, *text(llm)[:10], 50]):
        text(llm, prompt)
        llm.drugs.detox()
        tokens = text(llm, prompt)
        assert llm.dirty_count == 0
        sober.reset()
        assert tokens == text(sober, prompt)
        llm.drugs.assign(strong())


def test_a_dosed_batch_is_not_taken_for_a_prompt(llm: Llama) -> None:
    wanted = text(llm)
    llm.reset()
    llm.eval([*PROMPT, 50, 51], dosed=True)
    assert text(llm) == wanted


def test_a_changed_dose_counts_from_the_next_token_on(llm: Llama) -> None:
    run = llm.generate(PROMPT)
    tokens = take(run, 3)
    llm.drugs.detox()
    for _ in range(3):
        tokens.append(next(run))
    assert llm.dirty_count == 2
    llm.drugs.set_A_dose_theta(0.5)
    next(run)
    assert llm.dirty_count == 3


def test_sober_drugs_are_greedy_upstream(llm: Llama, sober: Llama, tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    wanted = take(plain.generate(PROMPT, temp=0.0), 24)
    plain.close()
    llm.drugs.detox()
    assert text(llm) == text(sober) == wanted
    assert llm.dirty_count == 0


def test_embeddings_are_sober(make_llama: MakeLlama, model_path: str) -> None:
    drugs = strong()
    llm = make_llama(model_path, drugs=drugs, embedding=True)
    before = llm.embed("the sea")
    llm.create_completion([1, 2, 3, 4, 5, 6, 7, 8], max_tokens=4)
    assert llm.embed("the sea") == before


def test_a_dosed_draft_gives_the_same_text(make_llama: MakeLlama, tiny_model_path: str, llm: Llama) -> None:
    from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

    drafting = make_llama(tiny_model_path, drugs=strong(), draft_model=LlamaPromptLookupDecoding(), logits_all=True)
    assert text(drafting) == text(llm)
    drafting.sober_interval = 5
    llm.sober_interval = 5
    assert text(drafting) == text(llm)
