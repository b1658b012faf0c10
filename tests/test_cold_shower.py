"""Blocking cold showers: when they are due, and what they compute."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from conftest import MakeLlama, last_logits
from drugs_cpp import Llama, _core
from support.tiny_texts import PROMPT, SINK, feed_prompt, strong, text


@pytest.fixture(params=[None, False], ids=["repeatable", "as-llama.cpp"])
def llm(request: pytest.FixtureRequest, make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """A tiny model under strong doses, with both kinds of arithmetic."""
    return make_llama(tiny_model_path, drugs=strong(), repeatable=request.param)


@pytest.fixture
def sober(llm: Llama, make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """The same model and arithmetic, without doses."""
    return make_llama(tiny_model_path, repeatable=llm.repeatable is None)


def test_after_a_shower_the_logits_are_those_of_a_context_that_was_never_dosed(llm: Llama, sober: Llama) -> None:
    tokens = text(llm)
    dirty = llm.dirty_count
    before = last_logits(llm)
    assert llm.cold_shower() == dirty
    assert llm.dirty_count == 0
    assert llm.n_tokens == len(PROMPT) + dirty
    feed_prompt(sober)
    sober.eval(tokens[:-1])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()
    assert np.abs(last_logits(llm) - before).max() > 0.1
    assert llm.cold_shower() == 0


def test_a_shower_recomputes_clean_positions_after_dirty_ones(llm: Llama, sober: Llama) -> None:
    llm.eval(PROMPT)
    llm.eval([5, 6, 7], dosed=True)
    llm.eval([8, 9], dosed=False)  # clean tokens that read dirty ones
    assert llm.cold_shower() == 5
    sober.eval(PROMPT)
    sober.eval([5, 6, 7, 8, 9])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


def test_a_shower_is_sober_without_protection_too(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), dose_inputs=True)
    text(llm)
    assert llm.cold_shower() == llm.n_tokens - SINK
    assert llm.dirty_count == 0


def test_a_shower_that_is_not_due(llm: Llama) -> None:
    text(llm)
    assert llm.sober_interval == llm.sober_interval == llm.get_sobering_rate() == 420
    assert llm.cold_shower(force_clean=False) == 0
    assert llm.dirty_count == 23
    llm.sober_interval = 24
    assert llm.cold_shower(force_clean=False) == 0
    llm.sober_interval = 23
    assert llm.cold_shower(force_clean=False) == 23
    assert llm.dirty_count == 0


def test_showers_come_by_themselves(llm: Llama) -> None:
    llm.sober_interval = 5
    counts = []
    for _ in islice(llm.generate(PROMPT), 18):
        counts.append(llm.dirty_count)
    assert counts == [0, *[1, 2, 3, 4, 5] * 3, 1, 2]


def test_a_shower_changes_the_text(llm: Llama) -> None:
    without = text(llm)
    llm.sober_interval = 3
    assert text(llm) != without


def test_a_sliding_window_or_a_recurrent_cache_is_computed_from_the_start(
    llm: Llama, sober: Llama, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = text(llm)
    shorten = _core.shorten
    monkeypatch.setattr(_core, "shorten", lambda ctx, sequence, _: shorten(ctx, sequence, 0))
    assert llm.cold_shower() == len(PROMPT) + 23
    sober.eval(PROMPT + tokens[:-1])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


@pytest.mark.parametrize("rate", [0, -1, 1.5, True])
def test_bad_sobering_rates(llm: Llama, rate: Any) -> None:
    with pytest.raises(ValueError, match="sober_interval is"):
        llm.sober_interval = rate
