"""Traces: they contain what is computed, in sober and dosed runs, and reading them changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from scipy.spatial import distance
from scipy.stats import entropy

from conftest import MakeLlama, last_logits, same_rounding
from drugs_cpp import (
    DRUGS,
    BusyError,
    ContextOverflowError,
    CountError,
    DoseError,
    DrugsError,
    Llama,
    OptionError,
    PromptError,
    SeedError,
    StateError,
    Trace,
)
from drugs_cpp.traces.content import most_likely
from drugs_cpp.traces.divergence import kl_divergence, vector_divergence
from support.low_level import Context

TOKENS = [(11 * i * i + 5 * i + 3) % 90 + 5 for i in range(24)]
LAST = len(TOKENS) - 1
N_LAYER = 3  # of the tiny model


def completed(llm: Llama) -> Any:
    answer: Any = llm.create_completion(TOKENS[:10], max_tokens=12)
    return answer["choices"][0]["text"]


def same(a: Trace, b: Trace) -> bool:
    assert a.logits is not None
    assert b.logits is not None
    return np.array_equal(a.hidden, b.hidden) and np.array_equal(a.logits, b.logits)


#
# traces contain what is computed
#


def test_shapes(sober: Llama) -> None:
    trace = sober.trace(TOKENS, positions="all", heads="all", attention=[0, 2])
    n_embd = trace.hidden.shape[2]
    assert trace.hidden.shape == (len(TOKENS), N_LAYER + 1, n_embd)
    assert trace.hidden.dtype == np.float32
    assert trace.norm is not None
    assert trace.norm.shape == (len(TOKENS), n_embd)
    assert trace.logits is not None
    assert trace.logits.shape == (len(TOKENS), sober.n_vocab())
    assert sorted(trace.heads) == [0, 1, 2]
    n_head = trace.heads[0].shape[1]
    assert trace.heads[0].shape[2] * n_head == n_embd
    assert {layer: weights.shape for layer, weights in trace.attention.items()} == {
        layer: (len(TOKENS), n_head, len(TOKENS)) for layer in (0, 2)
    }
    assert trace.tokens == tuple(TOKENS)
    assert trace.positions.tolist() == list(range(len(TOKENS)))
    assert trace.layers.tolist() == [0, 1, 2, 3]
    assert all(np.isfinite(part).all() for part in (trace.hidden, trace.norm, trace.logits))


def test_logits_are_those_that_a_context_computes_without_a_trace(sober: Llama, tiny_model_path: str) -> None:
    with Context(tiny_model_path) as ctx:
        computed = ctx.feed(TOKENS)
    logits = sober.trace(TOKENS, positions="all").logits
    assert logits is not None
    assert np.allclose(logits, computed, atol=1e-4)
    assert np.array_equal(logits.argmax(-1), computed.argmax(-1))


@same_rounding
@pytest.mark.parametrize("dosed", ["all", "last"])
@pytest.mark.parametrize("site", ["H", "Q", "K", "V", "A", "pK", "pV", "M"])
def test_a_dosed_trace_is_what_a_dosed_run_computes(sober: Llama, site: str, dosed: str) -> None:
    doses = DRUGS(seed=5)
    doses.set_dose_theta(0.5, site)
    trace = sober.trace(TOKENS, drugs=doses, dosed=dosed)
    assert trace.logits is not None
    sober.drugs = doses
    sober.eval(TOKENS, dosed=True if dosed == "all" else "last")
    assert np.array_equal(trace.logits[0], last_logits(sober))


@same_rounding
def test_each_position_is_as_if_the_text_ended_there(sober: Llama) -> None:
    doses = DRUGS(A=0.4, K=0.3, seed=3)
    together = sober.trace(TOKENS, positions="all", drugs=doses)
    for end in (8, 15, len(TOKENS)):
        alone = sober.trace(TOKENS[:end], drugs=doses)
        assert np.array_equal(alone.hidden[0], together.hidden[end - 1])


@same_rounding
def test_the_embedding_is_the_models_table(sober: Llama) -> None:
    """So the first hidden state depends only on the token, and not on a dose."""
    trace = sober.trace([*TOKENS[:10], *TOKENS[:2]], positions="all", drugs=DRUGS(H=0.5, A=0.5, seed=1))
    assert np.array_equal(trace.hidden[10:, 0], trace.hidden[:2, 0])
    assert not np.array_equal(trace.hidden[10:, 1], trace.hidden[:2, 1])


@pytest.mark.parametrize("layer", range(N_LAYER))
def test_a_dosed_layer_changes_what_comes_after_it_alone(sober: Llama, layer: int) -> None:
    doses = DRUGS(A=0.5, seed=2)
    doses.set_dose_shape([{"depth": (layer + i) / N_LAYER, "peakratio": float(i == 0)} for i in (-1, 0, 1)], site="A")
    moved = sober.trace(TOKENS, drugs=doses).divergence(sober.trace(TOKENS, drugs=DRUGS())).relative_l2[0]
    assert (moved[: layer + 1] == 0).all()
    assert (moved[layer + 1 :] > 1e-3).all()


@same_rounding
def test_a_head_is_what_the_site_a_turns(sober: Llama) -> None:
    """A turn keeps the length of each head's output, and moves it by at most the angle."""
    before = sober.trace(TOKENS, heads=0, drugs=DRUGS()).heads[0]
    after = sober.trace(TOKENS, heads=0, drugs=DRUGS(A=0.5, seed=2)).heads[0]
    _, angle, _ = vector_divergence(after, before)
    assert np.allclose(np.linalg.norm(after, axis=-1), np.linalg.norm(before, axis=-1), rtol=1e-5)
    assert (angle > 1e-4).all()
    assert (angle <= 0.5 + 1e-4).all()


@pytest.mark.parametrize("options", [{}, {"flash_attn": True}, {"flash_attn": True, "drugs": DRUGS(K=0.5, V=0.5)}])
def test_attention_weights_sum_to_one_and_see_nothing_that_comes_later(
    make_llama: MakeLlama, tiny_model_path: str, options: dict[str, Any]
) -> None:
    llm = make_llama(tiny_model_path, seed=3, **options)
    weights = llm.trace(TOKENS, positions="all", attention="all").attention
    for layer in range(N_LAYER):
        assert np.allclose(weights[layer].sum(axis=-1), 1, atol=1e-5)
        assert (np.triu(weights[layer].max(axis=1), 1) == 0).all()


@same_rounding
def test_the_last_lens_is_the_real_output(sober: Llama) -> None:
    trace = sober.trace(TOKENS, positions=[3, 9, -1], drugs=DRUGS(A=0.3, seed=1))
    lens = trace.lens()
    assert trace.logits is not None
    assert lens.shape == (3, N_LAYER + 1, sober.n_vocab())
    assert np.array_equal(lens[:, -1], trace.logits)
    for layer, logits in trace.lens_by_layer():
        assert np.array_equal(logits, lens[:, layer])
    assert np.array_equal(trace.lens(layers=2)[:, 0], lens[:, 2])


@same_rounding
def test_a_lens_of_any_number_of_vectors(sober: Llama) -> None:
    """Also in a context with several sequences, which computes the same number of tokens for each."""
    trace = sober.trace(TOKENS, positions="all")
    vectors = np.concatenate([trace.hidden.reshape(-1, trace.hidden.shape[2])] * 2)
    one_by_one = [sober.lens(vector) for vector in vectors]
    list(sober.traces(TOKENS, n=3, seeds=1, drugs={"A": 0.3}, dosed="last"))
    for n in (1, 2, 3, 4, 64, 65, len(vectors)):
        assert np.array_equal(sober.lens(vectors[:n]), one_by_one[:n])


def test_a_lens_beyond_its_limit_goes_by_layer(sober: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = sober.trace(TOKENS)
    monkeypatch.setattr("drugs_cpp.traces.trace.MOST_LENS_BYTES", 1000)
    with pytest.raises(CountError, match="lens_by_layer"):
        trace.lens()
    assert len(list(trace.lens_by_layer())) == N_LAYER + 1


#
# several
#


@same_rounding
@pytest.mark.parametrize("options", [{"dosed": "last"}, {"dosed": "all"}, {"dosed": "last", "positions": [7, -1]}])
def test_traces_are_those_of_single_calls(sober: Llama, options: dict[str, Any]) -> None:
    doses = [DRUGS(A=0.2), DRUGS(K=0.4), DRUGS(), DRUGS(V=0.3, H=0.1), DRUGS(M=0.3)]
    together = list(sober.traces(TOKENS, seeds=[3, 1, 4, 1, 5], drugs=doses, n_parallel=2, **options))
    for trace, seed, own in zip(together, [3, 1, 4, 1, 5], doses):
        alone = sober.trace(TOKENS, seed=seed, drugs=own, **options)
        assert same(trace, alone)
        assert trace.seed == alone.seed == (None if own.is_sober else seed)


def test_seeds_of_traces(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=DRUGS(A=0.3))
    assert [trace.seed for trace in llm.traces(TOKENS, n=3, seeds=7)] == [7, 8, 9]
    assert [trace.seed for trace in llm.traces(TOKENS, drugs=[DRUGS(A=0.1, seed=4), DRUGS(A=0.1, seed=2)])] == [4, 2]
    llm.set_seed(12)
    assert llm.trace(TOKENS).seed == 12
    assert llm.trace(TOKENS, seed=5).seed == 5


def test_the_models_cache_doses_and_seeds_stay(llm: Llama) -> None:
    def text() -> Any:
        llm.set_seed(9)
        llm.reset()
        return completed(llm)

    before = text()
    llm.set_seed(9)
    llm.reset()
    llm.eval(TOKENS[:10])
    state = (llm.n_tokens, llm.engine.session.n_dirty, llm.drugs.to_dict(), llm.seed)
    llm.trace(TOKENS, drugs={"A": 1.0}, seed=77, positions="all", attention="all")
    list(llm.traces(TOKENS, n=3, dosed="last"))
    assert (llm.n_tokens, llm.engine.session.n_dirty, llm.drugs.to_dict(), llm.seed) == state
    assert completed(llm) == before
    assert text() == before


@same_rounding
def test_who_takes_the_slots_is_not_traced(sober: Llama) -> None:
    """And interrupted traces say so if someone continues them."""
    doses = {"A": 0.3}
    before = sober.variations(TOKENS, n=2, seeds=1, drugs=doses, max_tokens=6)["choices"]
    traces = sober.traces(TOKENS, n=4, seeds=1, drugs=doses, dosed="last", n_parallel=1)
    next(traces)
    assert sober.variations(TOKENS, n=2, seeds=1, drugs=doses, max_tokens=6)["choices"] == before
    with pytest.raises(StateError, match="trace again"):
        next(traces)


def test_a_trace_of_messages(make_llama: MakeLlama, model_path: str) -> None:
    llm = make_llama(model_path)
    trace = llm.trace(messages=[{"role": "user", "content": "What is the capital of France?"}], layers=-1)
    assert "".join(trace.pieces).endswith("assistant\n")
    assert trace.hidden.shape[:2] == (1, 1)
    assert trace.layers.tolist() == [30]
    assert trace.top[0].token.strip()


@same_rounding
def test_ways_to_choose(sober: Llama) -> None:
    whole = sober.trace(TOKENS, positions="all")
    some = sober.trace(TOKENS, positions=[5, -1, 2], layers=[-1, 0])
    assert some.positions.tolist() == [2, 5, LAST]
    assert some.layers.tolist() == [0, 3]
    assert np.array_equal(some.hidden, whole.hidden[[2, 5, LAST]][:, [0, 3]])
    assert np.array_equal(sober.trace(TOKENS, layers="last").hidden[0, 0], whole.hidden[-1, -1])


#
# numbers of a divergence, computed in another way
#


def test_divergence(sober: Llama) -> None:
    a = sober.trace(TOKENS, positions=[9, 20], drugs=DRUGS(A=0.5, seed=1))
    b = sober.trace(TOKENS, positions=[9, 20], drugs=DRUGS())
    d = a.divergence(b)
    assert d.cosine.shape == d.angle.shape == d.relative_l2.shape == (2, N_LAYER + 1)
    assert a.logits is not None
    assert b.logits is not None
    for i in range(2):
        for layer in range(N_LAYER + 1):
            x, y = a.hidden[i, layer].astype(float), b.hidden[i, layer].astype(float)
            assert d.cosine[i, layer] == pytest.approx(distance.cosine(x, y), abs=1e-12)
            assert d.angle[i, layer] == pytest.approx(np.arccos(np.clip(1 - distance.cosine(x, y), -1, 1)), abs=1e-6)
            assert d.relative_l2[i, layer] == pytest.approx(np.sqrt(((x - y) ** 2).sum() / (y**2).sum()))
        p, q = (np.exp(x[i].astype(float)) for x in (b.logits, a.logits))
        assert d.kl is not None
        assert d.kl[i] == pytest.approx(entropy(p, q))


def test_divergence_of_extremes() -> None:
    small = 1e-9
    cosine, angle, _ = vector_divergence([[1, small]], [[1, 0]])
    assert angle[0] == pytest.approx(small, rel=1e-6)
    assert cosine[0] == pytest.approx(small**2 / 2, rel=1e-6)
    assert vector_divergence([-1.0, 0], [1.0, 0])[1] == pytest.approx(np.pi)
    assert not any(vector_divergence([0.0, 0], [0.0, 0]))
    assert kl_divergence([0, -1000], [0, -1000]) == 0
    assert kl_divergence([-1000, 0], [0, -np.inf]) == pytest.approx(1000)


def test_most_likely() -> None:
    top = most_likely([1, 3, 2, 3, -1], 3, str)
    assert [(token.token, token.id) for token in top] == [("1", 1), ("3", 3), ("2", 2)]
    assert top[0].prob == pytest.approx(np.exp(3) / (2 * np.exp(3) + np.exp(2) + np.e + np.exp(-1)))
    assert most_likely([1, 2], 0, str) == []
    assert len(most_likely([1, 2], 9, str)) == 2


#
# mistakes
#


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda llm: llm.trace(), PromptError, "either a prompt or messages"),
        (lambda llm: llm.trace(""), PromptError, "empty"),
        (lambda llm: llm.trace(TOKENS[:6]), PromptError, "the first 6 are never dosed"),
        (lambda llm: llm.trace([1, 10**6]), DrugsError, "vocabulary"),
        (lambda llm: llm.trace(TOKENS, layers=4), OptionError, "go from 0 to 3"),
        (lambda llm: llm.trace(TOKENS, layers=[]), OptionError, "at least one position and one layer"),
        (lambda llm: llm.trace(TOKENS, layers="first"), OptionError, "'first'"),
        (lambda llm: llm.trace(TOKENS, layers=1.5), OptionError, "1.5"),
        (lambda llm: llm.trace(TOKENS, positions=24), OptionError, "go from 0 to 23"),
        (lambda llm: llm.trace(TOKENS, positions=[True]), OptionError, "True"),
        (lambda llm: llm.trace(TOKENS, heads=[3]), OptionError, "go from 0 to 2"),
        (lambda llm: llm.trace(TOKENS, attention=object()), OptionError, "attention"),
        (lambda llm: llm.trace(TOKENS, dosed="first"), OptionError, "'first'"),
        (lambda llm: llm.trace(TOKENS, top_k=-1), CountError, "top_k"),
        (lambda llm: llm.trace(TOKENS, seed=-5), SeedError, "-5"),
        (lambda llm: llm.trace(TOKENS, drugs={"X": 1}), DrugsError, "X"),
        (lambda llm: llm.trace(TOKENS * 1000), ContextOverflowError, "24000 tokens"),
        (lambda llm: llm.traces(TOKENS, n=2, seeds=[1]), CountError, "lengths"),
        (lambda llm: llm.traces(TOKENS, n=0), CountError, "1 or more"),
        (lambda llm: llm.traces(TOKENS, n_parallel=0), CountError, "n_parallel"),
        (lambda llm: llm.trace(TOKENS, drugs=[{"A": 0.1}]), OptionError, "a trace has one"),
        (lambda llm: llm.trace(TOKENS, seed=[1]), OptionError, "a trace has one"),
        (lambda llm: llm.lens(np.zeros(3)), ValueError, "shape"),
        (lambda llm: llm.lens(np.zeros((0, 64))), ValueError, "shape"),
    ],
)
def test_mistakes(llm: Llama, call: Callable[[Llama], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(llm)
    assert llm.trace(TOKENS).hidden.shape[1] == N_LAYER + 1


def test_a_vocabulary_alone_computes_nothing(tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, vocab_only=True, verbose=False)
    calls: list[Callable[[], Any]] = [
        lambda: llm.trace(TOKENS),
        lambda: llm.lens(np.zeros((1, 48))),
        lambda: llm.variations(TOKENS, n=1, max_tokens=2),
    ]
    for call in calls:
        with pytest.raises(OptionError, match="vocab_only"):
            call()
    llm.close()


def test_a_sober_trace_may_be_of_one_token(sober: Llama) -> None:
    for dosed in ("all", "last"):
        assert sober.trace([5], dosed=dosed).hidden.shape[0] == 1


def test_weights_over_quantized_values_are_refused(make_llama: MakeLlama, short_model_path: str) -> None:
    llm = make_llama(short_model_path, flash_attn=True, type_k=8, type_v=8)  # Q8_0
    with pytest.raises(OptionError, match="quantized"):
        llm.trace(TOKENS, attention=0)
    assert llm.trace(TOKENS).hidden.shape[1] == 5


def test_traces_of_other_texts_cannot_be_compared(sober: Llama) -> None:
    trace = sober.trace(TOKENS)
    for other in (sober.trace(TOKENS[:20]), sober.trace(TOKENS, layers=1)):
        with pytest.raises(StateError, match="cannot be compared"):
            trace.divergence(other)


def test_a_model_that_is_in_use(sober: Llama) -> None:
    began, may_end = threading.Event(), threading.Event()

    def use() -> None:
        with sober.engine.session.use():
            began.set()
            may_end.wait(60)

    thread = threading.Thread(target=use)
    thread.start()
    assert began.wait(60)
    with pytest.raises(BusyError):
        sober.trace(TOKENS)
    may_end.set()
    thread.join()


def test_a_lacking_site(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    with pytest.raises(DoseError):
        llm.trace(TOKENS, drugs={"A": 4.0})
    assert [trace.seed for trace in islice(llm.traces(TOKENS, n=2), 2)] == [None, None]
