"""``Llama.Dgenerate``, the reference's way to generate."""

from __future__ import annotations

from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from conftest import MakeLlama
from drugs_cpp import Llama
from support.tiny_texts import PROMPT, SINK, strong, text


class Streamer:
    def __init__(self) -> None:
        self.got: list[npt.NDArray[np.int64]] = []
        self.ended = 0

    def put(self, value: npt.NDArray[np.int64]) -> None:
        self.got.append(value)

    def end(self) -> None:
        self.ended += 1


def test_dgenerate_continues_where_it_left_off(llm: Llama) -> None:
    whole = llm.Dgenerate(PROMPT, max_new_tokens=12)
    llm.reset_model_state()
    assert llm.dirty_count == 0
    parts = llm.Dgenerate(np.array([PROMPT]), max_new_tokens=5)
    parts += llm.Dgenerate([], max_new_tokens=4)
    parts += llm.Dgenerate([], max_new_tokens=3)
    assert parts == whole == text(llm)[:12]
    assert llm.Dgenerate(PROMPT, max_new_tokens=12, past_key_values=None) == whole


@pytest.mark.parametrize("interval", [1, 3, 420])
def test_showers_come_where_they_would_in_one_call(llm: Llama, interval: int) -> None:
    llm.sober_interval = interval
    whole = llm.Dgenerate(PROMPT, max_new_tokens=12)
    llm.reset()
    parts = llm.Dgenerate(PROMPT, max_new_tokens=4) + llm.Dgenerate([], max_new_tokens=1)
    parts += llm.Dgenerate([], max_new_tokens=7)
    assert parts == whole


@pytest.mark.parametrize("how", ["eval", "generate"])
def test_what_comes_after_dgenerate_comes_after_its_last_token(llm: Llama, how: str) -> None:
    new = llm.Dgenerate(PROMPT, max_new_tokens=5)
    if how == "eval":
        llm.eval([40, 41])
    else:
        next(llm.generate([40, 41], reset=False))
    assert llm.input_ids[: llm.n_tokens].tolist() == [*PROMPT, *new, 40, 41]
    assert llm.dirty_count == len(new)


def test_dgenerate_feeds_a_second_turn_sober_and_the_pending_token_dosed(llm: Llama) -> None:
    first = llm.Dgenerate(PROMPT, max_new_tokens=4)
    assert llm.dirty_count == 3
    llm.Dgenerate([40, 41, 42], max_new_tokens=1)
    assert llm.dirty_count == 4
    assert llm.input_ids[: llm.n_tokens].tolist() == [*PROMPT, *first, 40, 41, 42]


def test_dgenerate_streams(llm: Llama) -> None:
    streamer = Streamer()
    tokens = llm.Dgenerate(PROMPT, streamer, max_new_tokens=6)
    assert streamer.got[0].shape == (1, len(PROMPT))
    assert [int(value) for [value] in streamer.got[1:]] == tokens
    assert streamer.ended == 1


def test_dgenerate_can_leave_the_input_unprotected_for_one_call(llm: Llama) -> None:
    llm.Dgenerate(PROMPT, max_new_tokens=1, protect_inputs=False)
    assert llm.dirty_count == len(PROMPT) - SINK
    assert not llm.dose_inputs


def test_dgenerate_stops_at_the_end_of_the_context(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), n_ctx=40)
    assert llm.n_ctx() == 40
    llm.Dgenerate(PROMPT, max_new_tokens=None)
    assert llm.n_tokens == 40


def test_dgenerate_takes_what_generate_takes(llm: Llama) -> None:
    def only_nine(_: Any, logits: npt.NDArray[np.single]) -> npt.NDArray[np.single]:
        logits[9] = 1e3
        return logits

    processors = llama_cpp.LogitsProcessorList([only_nine])
    assert llm.Dgenerate(PROMPT, max_new_tokens=3, logits_processor=processors) == [9, 9, 9]
    stop = llama_cpp.StoppingCriteriaList([lambda tokens, _: len(tokens) >= len(PROMPT) + 5])
    llm.reset()
    assert len(llm.Dgenerate(PROMPT, stopping_criteria=stop)) == 5


@pytest.mark.parametrize(
    ("tokens", "kwargs", "message"),
    [
        ([], {}, "nothing to continue"),
        ([[1, 2], [3, 4]], {}, r"shape \(2, 2\)"),
        ([1.5], {}, "float64"),
        ([1, 999], {}, "token 999 is not in this model's vocabulary: ids go from 0 to 127"),
        ([-1], {}, "token -1 is not in"),
        (list(range(3, 100)) * 3, {}, "291 tokens do not fit after 0 in a context of 256"),
        (PROMPT, {"max_new_tokens": 0}, "max_new_tokens is 0"),
        (PROMPT, {"past_key_values": "x"}, "can only be None"),
    ],
)
def test_bad_input_of_dgenerate(llm: Llama, tokens: Any, kwargs: dict[str, Any], message: str) -> None:
    streamer = Streamer()
    with pytest.raises(ValueError, match=message):
        llm.Dgenerate(tokens, streamer, **kwargs)
    assert not streamer.got
    assert len(llm.Dgenerate(PROMPT, max_new_tokens=3)) == 3
