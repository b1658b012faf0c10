"""Non-blocking cold showers: by switching to a sober twin, and in the background."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import llama_cpp
import numpy as np
import pytest

from conftest import MakeLlama, built_by_make, last_logits
from drugs_cpp import DRUGS, Llama, StateError
from support.patience import wait_until
from support.tiny_architectures import TOKENS, tiny_models
from support.tiny_model import N_VOCAB

PROMPT = "The keeper of the lighthouse looked at the sea and"


def strong() -> DRUGS:
    return DRUGS(A=0.4, pK=0.7, pV=0.9, seed=1)


#: how far a different split into batches moves float32 logits; a dose moves them by more than a hundred times that
ROUNDING = 1e-4


@pytest.fixture(params=["float32", "quantized"])
def make_model(request: pytest.FixtureRequest, make_llama: MakeLlama, tiny_model_path: str) -> MakeLlama:
    """Creates a model with little rounding, or the real one, whose rounding depends on the processor."""
    exact: Any = {"type_k": llama_cpp.GGML_TYPE_F32, "type_v": llama_cpp.GGML_TYPE_F32}
    settings = {"path": tiny_model_path, **exact} if request.param == "float32" else {}
    return lambda **others: make_llama(n_ctx=512, **settings, **others)


def dirty_model(make_model: MakeLlama, n_tokens: int = 40, **settings: Any) -> Llama:
    """A model that has written some dosed text."""
    llm = make_model(drugs=strong(), **settings)
    llm.Dgenerate(llm.tokenize(PROMPT.encode()), max_new_tokens=n_tokens)
    assert llm.dirty_count > n_tokens // 2
    return llm


def error(make_model: MakeLlama, llm: Llama) -> float:
    """The largest difference between the next logits and those of a model that was never dosed."""
    sober = make_model()
    sober.eval(llm.input_ids[: llm.n_tokens].tolist())
    logits = []
    for model in (llm, sober):
        model.eval([42], dosed=False)
        logits.append(model.engine.session.decoder.logits())
        model.engine.session.shorten(model.n_tokens - 1)
    return float(np.abs(logits[0] - logits[1]).max())


def is_clean(after: float, before: float, llm: Llama) -> bool:
    """Whether an error is only rounding, given that it was ``before`` under a dose."""
    return before > 100 * ROUNDING > 100 * after if llm.n_vocab() == N_VOCAB else before > 2 * after


#
# a sober twin
#


def test_a_twins_shower_switches_to_a_cache_that_was_never_dosed(make_model: MakeLlama) -> None:
    llm = dirty_model(make_model, sober_twin=True)
    dosed = error(make_model, llm)
    copy = pickle.loads(pickle.dumps(llm))
    for model in (llm, copy):
        n_dirty, n_tokens = model.dirty_count, model.n_tokens
        assert model.cold_shower() == n_dirty
        assert (model.dirty_count, model.n_tokens) == (0, n_tokens)
        assert is_clean(error(make_model, model), dosed, llm)
    copy.close()


@pytest.mark.parametrize("architecture", ["llama", "jamba", "gemma3", "deepseek2", "falcon-h1", "gpt-oss"])
@pytest.mark.parametrize("swa_full", [True, False])
def test_logits_after_a_twins_shower(architecture: str, swa_full: bool, make_llama: MakeLlama) -> None:
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        for path in paths:
            options: Any = {"n_ctx": 256, "n_threads": 1, "n_threads_batch": 1, "swa_full": swa_full}
            llm = make_llama(path, drugs=DRUGS(A=0.5, seed=1), sober_twin=True, **options)
            llm.eval(TOKENS[:20])
            llm.eval(TOKENS[20:24], dosed=True)
            llm.eval(TOKENS[24:25], dosed=True)
            dosed = llm.engine.session.decoder.logits()
            assert llm.cold_shower() == 5
            llm.sample()  # needs the logits, and computes them
            washed = llm.engine.session.decoder.logits()
            llm.eval(TOKENS[25:26])
            next_washed = llm.engine.session.decoder.logits()

            sober = make_llama(path, **options)
            sober.eval(TOKENS[:25])
            np.testing.assert_allclose(washed, last_logits(sober), atol=2e-4)
            assert np.abs(dosed - washed).max() > 0.01
            sober.eval(TOKENS[25:26])
            np.testing.assert_allclose(next_washed, last_logits(sober), atol=2e-4)


def test_a_twin_changes_nothing_that_the_dosed_sequence_says(make_llama: MakeLlama, tiny_model_path: str) -> None:
    """With a float32 model, whose choices do not depend on the rounding that a larger batch brings."""
    for options in ({"dose_inputs": False}, {"dose_inputs": True}):
        found = []
        for sober_twin in (False, True):
            drugs = DRUGS(A=0.3, K=0.2, seed=4)
            llm = make_llama(tiny_model_path, drugs=drugs, sober_twin=sober_twin, **options)
            llm.sober_interval = 6
            found.append(llm.Dgenerate([1, 20, 33, 47, 60, 75, 90], max_new_tokens=30))
        assert found[0] == found[1]


def test_a_twins_shower_computes_nothing(make_model: MakeLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = dirty_model(make_model, sober_twin=True)
    monkeypatch.setattr(llm, "eval", None)
    monkeypatch.setattr(llm.engine.session, "decoder", None)
    assert llm.cold_shower() > 0
    assert llm.dirty_count == 0


def test_showers_on_the_way_and_rewinding_with_a_twin(make_llama: MakeLlama) -> None:
    llm: Any = make_llama(drugs=strong(), sober_twin=True)
    llm.sober_interval = 5
    texts = [llm.create_completion(PROMPT, max_tokens=24, seed=seed)["choices"][0]["text"] for seed in (1, 2, 1)]
    assert texts[0] == texts[2]
    assert llm.dirty_count < 5
    assert llm.create_completion(PROMPT[:20], max_tokens=4, seed=1)  # goes back into the prompt
    assert next(llm.generate([504, 3], temp=0.0)) >= 0  # upstream's loop does not know about a twin
    assert llm.create_completion(PROMPT, max_tokens=24, seed=1)["choices"][0]["text"] == texts[0]


def test_states_with_and_without_a_twin(make_model: MakeLlama) -> None:
    plain, twin = dirty_model(make_model), make_model(sober_twin=True)
    twin.load_state(plain.save_state())  # the twin is computed from the tokens
    assert twin.dirty_count == plain.dirty_count > 0
    dosed = error(make_model, twin)
    twin.cold_shower()
    assert is_clean(error(make_model, twin), dosed, twin)
    with pytest.raises(StateError, match="sober_twin=True"):
        plain.load_state(twin.save_state())


def test_what_does_not_go_with_a_twin(make_llama: MakeLlama) -> None:
    for options in ({"logits_all": True}, {"embedding": True}):
        with pytest.raises(StateError, match="sober_twin=True cannot be combined with"):
            make_llama(sober_twin=True, **options)
    with (
        tiny_models("kimi-linear", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths,
        pytest.raises(StateError, match="cannot decode two sequences"),
    ):
        make_llama(paths[0], sober_twin=True)


#
# in the background
#


def test_a_shower_in_the_background_is_taken_over_when_it_is_done(make_model: MakeLlama) -> None:
    llm = dirty_model(make_model)
    dosed = error(make_model, llm)
    n_dirty, n_tokens = llm.dirty_count, llm.n_tokens
    assert llm.cold_shower(block=False) == n_dirty
    wait_until(lambda: llm.dirty_count == 0)
    assert (llm.dirty_count, llm.n_tokens) == (0, n_tokens)
    assert llm.cold_shower(block=False) == 0
    assert is_clean(error(make_model, llm), dosed, llm)
    assert not [thread for thread in threading.enumerate() if thread.name == "cold shower"]


def test_the_next_call_cancels_it_and_the_text_goes_on_as_it_would_have(make_model: MakeLlama) -> None:
    def text(shower: bool) -> list[int]:
        llm = dirty_model(make_model, 200)
        if shower:
            assert llm.cold_shower(block=False) > 0
        more = llm.Dgenerate([], max_new_tokens=1)
        dirty.append(llm.dirty_count)
        return more + llm.Dgenerate([], max_new_tokens=12)

    dirty: list[int] = []
    plain, cancelled = text(False), text(True)
    if dirty[1]:  # otherwise, it was already done
        assert dirty[0] == dirty[1]
        assert plain == cancelled


def test_a_blocking_shower_waits_for_the_one_in_the_background(make_model: MakeLlama) -> None:
    llm = dirty_model(make_model)
    dosed = error(make_model, llm)
    llm.cold_shower(block=False)
    assert llm.cold_shower() == 0  # nothing is left to do
    assert llm.dirty_count == 0
    assert is_clean(error(make_model, llm), dosed, llm)


def test_closing_ends_it(make_model: MakeLlama) -> None:
    llm = dirty_model(make_model)
    llm.cold_shower(block=False)
    llm.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "cold shower"]


def test_logits_after_it(make_llama: MakeLlama, tiny_model_path: str) -> None:
    """With a float32 model, in which rounding is small."""
    llm = make_llama(tiny_model_path, drugs=DRUGS(A=0.5, pK=0.5, seed=1))
    llm.Dgenerate([1, 20, 33, 47, 60, 75, 90], max_new_tokens=30)
    tokens = llm.input_ids[: llm.n_tokens].tolist()
    dosed = last_logits(llm)
    llm.cold_shower(block=False)
    llm.cold_shower()
    token = llm.sample()
    sober = make_llama(tiny_model_path)
    sober.eval(tokens)
    assert token == sober.sample()
    np.testing.assert_allclose(last_logits(llm), last_logits(sober), atol=1e-4)
    assert np.abs(dosed - last_logits(sober)).max() > 0.01
