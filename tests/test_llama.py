"""``drugs_cpp.Llama``: what is dosed when, seeds, greed, showers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import islice
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from conftest import MakeLlama, last_logits
from drugs_cpp import DRUGS, ContextOverflowError, Llama, NoLogitsError, SeedError, StateError, TokenError

PROMPT = [1, 20, 33, 47, 60, 75, 81, 99]
SINK = 6


def strong(**kwargs: Any) -> DRUGS:
    return DRUGS(**{"h_dose": 0.6, "q_dose": 0.6, "a_dose": 0.6, "pk_dose": 0.6, "pv_dose": 0.6, "seed": 7, **kwargs})


def text(llm: Llama, prompt: Sequence[int] = PROMPT, **kwargs: Any) -> list[int]:
    """New tokens of a completion."""
    return list(_take(llm.generate(list(prompt), **kwargs), 24))


def _take(tokens: Any, n: int) -> list[int]:
    return list(islice(tokens, n))


@pytest.fixture
def llm(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path, drugs=strong())


@pytest.fixture
def sober(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path)


def feed_prompt(sober: Llama) -> None:
    """In the batches of a dosed run, which computes the last token alone."""
    sober.eval(PROMPT[:-1])
    sober.eval(PROMPT[-1:])


#
# what is dosed
#


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
    assert llm.n_tokens == len(PROMPT) + 23  # the last one was not fed back
    assert llm.dirty_count == 23


def test_an_unprotected_prompt_is_dosed_past_the_sink(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), protect_inputs=False)
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
    llm.protect_inputs = False
    llm.eval([10])
    assert llm.dirty_count == 4


def test_the_prompt_of_the_next_run_is_sober_again(llm: Llama, sober: Llama) -> None:
    """A second turn repeats the first answer in its prompt: its dirty positions are computed anew."""
    prompt = PROMPT + text(llm) + [40, 41]
    assert llm.dirty_count > 0
    next(llm.generate(prompt))
    assert llm.dirty_count == 0
    sober.eval(PROMPT[:-1])
    sober.eval(prompt[len(PROMPT) - 1 : -1])
    sober.eval(prompt[-1:])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


def batches_of(llm: Llama, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by the size of every batch that is decoded."""
    sizes: list[int] = []
    decode = llm._ctx.decode

    def count(batch: Any) -> None:
        sizes.append(batch.batch.n_tokens)
        decode(batch)

    monkeypatch.setattr(llm._ctx, "decode", count)
    return sizes


def test_a_clean_prefix_is_not_computed_again(llm: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    text(llm)
    sizes = batches_of(llm, monkeypatch)
    next(llm.generate([*PROMPT, 50, 51, 52]))
    assert sizes == [3, 1]
    sizes.clear()
    next(llm.generate([*PROMPT, 50, 51, 52]))
    assert sizes == [1]


def test_only_the_last_token_of_a_prompt_is_computed_alone(llm: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    text(llm)
    sizes = batches_of(llm, monkeypatch)
    next(llm.generate([*PROMPT, 50]))  # the last token of PROMPT was alone, and would be alone again
    assert sizes == [2, 1]


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
    tokens = _take(run, 3)
    llm.drugs.detox()
    for _ in range(3):
        tokens.append(next(run))
    assert llm.dirty_count == 2
    llm.drugs.set_A_dose_theta(0.5)
    next(run)
    assert llm.dirty_count == 3


def test_sober_drugs_are_greedy_upstream(llm: Llama, sober: Llama, tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=256, n_threads=2, n_threads_batch=2, verbose=False)
    wanted = _take(plain.generate(PROMPT, temp=0.0), 24)
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
    drafting.set_sobering_rate(5)
    llm.set_sobering_rate(5)
    assert text(drafting) == text(llm)


#
# seeds
#


def test_the_same_seed_is_the_same_text_and_another_is_not(llm: Llama) -> None:
    texts = []
    for seed in (7, 7, 8, 9):
        llm.set_seed(seed)
        texts.append(text(llm))
        assert llm.seed == llm.drugs.seed == seed
    assert texts[0] == texts[1]
    assert len({tuple(t) for t in texts}) == 3


def test_three_ways_to_set_a_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    by_drugs = strong(seed=None)
    by_drugs.set_seed(11)
    tokens = [text(make_llama(tiny_model_path, drugs=by_drugs))]
    tokens.append(text(make_llama(tiny_model_path, drugs=strong(seed=None), seed=11)))
    llm = make_llama(tiny_model_path, drugs=strong(seed=5))
    completion: Any = llm.create_completion(PROMPT, max_tokens=24, seed=11)
    assert tokens[0] == tokens[1]
    fed_back = llm.input_ids[len(PROMPT) : llm.n_tokens].tolist()
    assert fed_back == tokens[0][: len(fed_back)]
    assert len(fed_back) > 5
    assert completion["choices"][0]["finish_reason"] in ("length", "stop")
    assert llm.seed == 11
    assert llm.drugs.seed == 5  # a call's seed is for that call


def test_without_a_seed_each_run_draws_one_that_repeats_it(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(seed=None))
    assert llm.seed is None
    drawn: dict[int, list[int]] = {}
    for _ in range(4):
        tokens = text(llm)
        assert llm.seed is not None
        drawn[llm.seed] = tokens
    assert len(drawn) == 4
    for seed, tokens in drawn.items():
        llm.set_seed(seed)
        assert text(llm) == tokens


def test_a_seed_set_after_a_run_counts_from_the_next_token_on(llm: Llama) -> None:
    def logits_with(seed: int) -> bytes:
        llm.set_seed(7)
        text(llm)
        llm.set_seed(seed)
        llm.eval([50], dosed=True)
        assert llm.seed == seed
        return last_logits(llm).tobytes()

    assert logits_with(9) == logits_with(9)
    assert logits_with(9) != logits_with(7)


def test_seed_zero_is_a_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(seed=None), seed=0)
    assert text(llm) == text(llm)
    assert llm.seed == 0


def test_the_sampler_gets_the_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, seed=3)
    hot = [text(llm, temp=5.0, top_k=0, top_p=1.0, min_p=0.0) for _ in range(2)]
    assert hot[0] == hot[1]
    llm.set_seed(4)
    assert text(llm, temp=5.0, top_k=0, top_p=1.0, min_p=0.0) != hot[0]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "7"])
def test_bad_seeds(llm: Llama, make_llama: MakeLlama, tiny_model_path: str, seed: Any) -> None:
    calls = (
        lambda: llm.set_seed(seed),
        lambda: llm.create_completion(PROMPT, seed=seed),
        lambda: llm.create_completion(PROMPT, seed=seed, stream=True),
        lambda: make_llama(tiny_model_path, seed=seed),
    )
    for call in calls:
        with pytest.raises(SeedError, match="0 to 4294967294"):
            call()
    assert len(text(llm)) == 24


#
# greed
#


def test_greedy_is_the_default_and_a_temperature_still_counts(sober: Llama) -> None:
    def complete(**kwargs: Any) -> list[int]:
        sober.create_completion(PROMPT, max_tokens=20, **kwargs)
        return sober.input_ids[: sober.n_tokens].tolist()  # type: ignore[no-any-return]

    greedy = complete()
    assert greedy == complete(seed=1) == complete(temperature=0.0)
    assert greedy != complete(temperature=9.0, top_k=0, top_p=1.0, min_p=0.0, seed=1)


@pytest.mark.parametrize("name", ["create_completion", "__call__", "create_chat_completion", "generate", "sample"])
def test_signatures_are_upstreams_but_for_the_temperature(name: str) -> None:
    ours = inspect.signature(getattr(Llama, name)).parameters
    theirs = inspect.signature(getattr(llama_cpp.Llama, name)).parameters
    assert list(ours) == list(theirs)
    assert {n for n in ours if ours[n].default != theirs[n].default} <= {"temp", "temperature"}
    assert (ours.get("temp") or ours["temperature"]).default == 0.0


#
# cold shower
#


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


def test_a_shower_recomputes_clean_positions_behind_dirty_ones(llm: Llama, sober: Llama) -> None:
    llm.eval(PROMPT)
    llm.eval([5, 6, 7], dosed=True)
    llm.eval([8, 9], dosed=False)  # clean tokens that read dirty ones
    assert llm.cold_shower() == 5
    sober.eval(PROMPT)
    sober.eval([5, 6, 7, 8, 9])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


def test_a_shower_is_sober_without_protection_too(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(), protect_inputs=False)
    text(llm)
    assert llm.cold_shower() == llm.n_tokens - SINK
    assert llm.dirty_count == 0


def test_a_shower_that_is_not_due(llm: Llama) -> None:
    text(llm)
    assert llm.get_sobering_rate() == 420
    assert llm.cold_shower(force_clean=False) == 0
    assert llm.dirty_count == 23
    llm.set_sobering_rate(24)
    assert llm.cold_shower(force_clean=False) == 0
    llm.set_sobering_rate(23)
    assert llm.cold_shower(force_clean=False) == 23
    assert llm.dirty_count == 0


def test_showers_come_by_themselves(llm: Llama) -> None:
    llm.set_sobering_rate(5)
    counts = []
    for _ in islice(llm.generate(PROMPT), 18):
        counts.append(llm.dirty_count)
    assert counts == [0, *[1, 2, 3, 4, 5] * 3, 1, 2]


def test_a_shower_changes_the_text(llm: Llama) -> None:
    without = text(llm)
    llm.set_sobering_rate(3)
    assert text(llm) != without


def test_a_sliding_window_or_a_recurrent_cache_is_computed_from_the_start(
    llm: Llama, sober: Llama, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = text(llm)
    monkeypatch.setattr(llm, "_can_rewind", lambda _: False)
    assert llm.cold_shower() == len(PROMPT) + 23
    sober.eval(PROMPT + tokens[:-1])
    assert last_logits(llm).tobytes() == last_logits(sober).tobytes()


@pytest.mark.parametrize("rate", [0, -1, 1.5, True])
def test_bad_sobering_rates(llm: Llama, rate: Any) -> None:
    with pytest.raises(ValueError, match="sobering rate is"):
        llm.set_sobering_rate(rate)


#
# Dgenerate
#


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
    assert llm.protect_inputs


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
        (list(range(3, 100)) * 3, {}, "291 tokens do not fit behind 0 in a context of 256"),
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


#
# errors
#


def test_a_context_overflow_says_what_to_do_and_loses_nothing(llm: Llama) -> None:
    llm.eval(PROMPT)
    with pytest.raises(ContextOverflowError, match=r"250 tokens do not fit behind 8 in a context of 256.*n_ctx=258"):
        llm.eval([5] * 250)
    assert llm.n_tokens == 8
    with pytest.raises(ContextOverflowError, match="257 tokens do not fit"):
        llm.generate([5] * 257)
    with pytest.raises(ContextOverflowError, match=r"Requested tokens \(300\).*larger n_ctx"):
        llm.create_completion([5] * 300)
    with pytest.raises(ContextOverflowError, match="larger n_ctx"):
        next(iter(llm.create_completion([5] * 300, stream=True)))
    assert len(text(llm)) == 24


def test_unknown_tokens(llm: Llama) -> None:
    with pytest.raises(TokenError, match="token 128 is not in"):
        llm.eval([5, 128])
    assert llm.n_tokens == 0


def test_sampling_from_nothing(llm: Llama) -> None:
    with pytest.raises(NoLogitsError, match="evaluate at least one token"):
        llm.sample()
    llm.eval(PROMPT)
    llm.load_state(llm.save_state())
    with pytest.raises(NoLogitsError):
        llm.sample()
    with pytest.raises(NoLogitsError):
        next(llm.generate([]))


def test_a_closed_model(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong())
    llm.close()
    calls = (lambda: llm.eval(PROMPT), lambda: text(llm), lambda: llm.Dgenerate(PROMPT), llm.save_state, llm.sample)
    for call in calls:
        with pytest.raises(StateError, match="was closed"):
            call()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"a_doze": 0.1}, r"'a_doze': give doses as Llama\(path, drugs=DRUGS\(a_dose=\.\.\.\)\)"),
        ({"a_dose": 0.1}, r"'a_dose': give doses as Llama\(path, drugs=DRUGS\(a_dose=\.\.\.\)\)"),
        ({"n_ctxx": 10}, "did you mean 'n_ctx'"),
        ({"protect_input": True}, "did you mean 'protect_inputs'"),
        ({"drugs": {"a_dose": 1}}, "give a drugs_cpp.DRUGS object"),
    ],
)
def test_unknown_arguments(tiny_model_path: str, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Llama(tiny_model_path, **argument)


@pytest.mark.parametrize("sink", [-1, 1.5, True])
def test_bad_sinks(tiny_model_path: str, sink: Any) -> None:
    with pytest.raises(ValueError, match="sink is"):
        Llama(tiny_model_path, sink=sink)


#
# inject
#


def test_inject_doses_a_plain_llama(tiny_model_path: str, llm: Llama) -> None:
    class Mine(llama_cpp.Llama):
        def hello(self) -> str:
            return "hello"

    plain: Any
    for kind in (llama_cpp.Llama, Mine):
        plain = kind(tiny_model_path, n_ctx=256, n_threads=2, n_threads_batch=2, verbose=False)
        dosed = strong().inject(plain)
        assert dosed is plain
        assert isinstance(plain, Llama)
        assert isinstance(plain, kind)
        assert text(plain) == text(llm)
        plain.close()
    assert plain.hello() == "hello"


def test_inject_again_changes_the_doses(llm: Llama) -> None:
    other = strong(seed=9)
    assert other.inject(llm) is llm
    assert llm.drugs is other


def test_inject_into_something_else() -> None:
    with pytest.raises(TypeError, match="cannot be dosed"):
        DRUGS().inject("model")  # type: ignore[arg-type]
