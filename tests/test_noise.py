"""What the noise in a model depends on, and what it must not: batches, threads, neighbours, other sequences."""

from __future__ import annotations

from collections.abc import Iterator

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from drugs_cpp import SITES, _core
from support.low_level import Context, Entry
from support.tiny_model import N_LAYER

F32 = npt.NDArray[np.float32]

TOKENS = [1, *range(10, 50)]
SINK = 6

#: how far float32 sums may drift if a batch is split differently; noise moves logits by more than 0.1
ROUNDING = 1e-3


def table(angle: float = 0.4, sites: tuple[str, ...] = SITES, layers: range = range(N_LAYER)) -> F32:
    doses = np.zeros((N_LAYER, len(SITES)), np.float32)
    for site in sites:
        doses[layers, SITES.index(site)] = angle
    return doses


@pytest.fixture
def ctx(tiny_model_path: str) -> Iterator[Context]:
    # 16 bits would be rounded up in one batch and down in another
    with Context(tiny_model_path, cache_type=llama_cpp.GGML_TYPE_F32, records=True) as context:
        yield context


def dosed(ctx: Context, doses: F32 | None = None, seed: int = 7, sink: int = SINK, start: int = 0) -> F32:
    """Logits of TOKENS, computed in one batch from an empty cache."""
    ctx.forget()
    _core.set_dose(ctx.address, 0, table() if doses is None else doses, seed, sink)
    return ctx.feed(TOKENS, start)


def test_only_dosed_sites_get_a_node(ctx: Context) -> None:
    for sites in [(), *((site,) for site in SITES), SITES]:
        for layers in (range(1), range(N_LAYER)):
            ctx.ops.clear()
            dosed(ctx, table(sites=sites, layers=layers))
            assert sum(op.startswith("RANDOM_ROTATE") for op in ctx.ops) == len(sites) * len(layers)


@pytest.mark.parametrize("flash_attn", [False, True])
@pytest.mark.parametrize("site", SITES)
def test_each_site_changes_the_logits(tiny_model_path: str, site: str, flash_attn: bool) -> None:
    with Context(tiny_model_path, flash_attn=flash_attn) as ctx:
        sober = ctx.feed(TOKENS)
        change = np.abs(dosed(ctx, table(sites=(site,))) - sober).max(axis=1)
        assert change[:SINK].max() == 0
        # a single key or value, or a query alone, may matter little to one token, but not to all of them
        assert np.median(change[SINK:]) > 10 * ROUNDING


@pytest.mark.parametrize("sink", [0, 1, 6, 20])
def test_the_sink_is_untouched(ctx: Context, sink: int) -> None:
    sober = ctx.feed(TOKENS)
    change = np.abs(dosed(ctx, sink=sink) - sober).max(axis=1)
    assert (change[:sink] == 0).all()
    assert (change[sink:] > 10 * ROUNDING).all()


def test_a_batch_split_changes_nothing(ctx: Context) -> None:
    whole = dosed(ctx)
    for sizes in ([1] * len(TOKENS), [6, 1, 20, 14], [40, 1]):
        ctx.forget()
        parts, start = [], 0
        for size in sizes:
            parts.append(ctx.feed(TOKENS[start : start + size], start))
            start += size
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=ROUNDING)


def test_micro_batches_change_nothing(tiny_model_path: str, ctx: Context) -> None:
    with Context(tiny_model_path, n_ubatch=8, cache_type=llama_cpp.GGML_TYPE_F32) as small:
        np.testing.assert_allclose(dosed(small), dosed(ctx), atol=ROUNDING)


@pytest.mark.parametrize("n_threads", [2, 4])
def test_threads_change_nothing(tiny_model_path: str, ctx: Context, n_threads: int) -> None:
    with Context(tiny_model_path, n_threads=n_threads, cache_type=llama_cpp.GGML_TYPE_F32) as other:
        np.testing.assert_allclose(dosed(other), dosed(ctx), atol=ROUNDING)


def test_the_same_seed_is_the_same_to_the_bit(ctx: Context) -> None:
    assert dosed(ctx).tobytes() == dosed(ctx).tobytes()


def test_another_seed_is_another_text(ctx: Context) -> None:
    change = np.abs(dosed(ctx, seed=8) - dosed(ctx, seed=7)).max(axis=1)
    assert (change[SINK:] > 10 * ROUNDING).all()


def test_a_dose_counts_from_the_next_token_on(ctx: Context) -> None:
    """The graph is reused: new angles and seeds reach it as data."""
    first = dosed(ctx)
    ctx.forget()
    ctx.feed(TOKENS[:20])
    _core.set_dose(ctx.address, 0, table(0.1), 9, SINK)
    second = ctx.feed(TOKENS[20:], 20)
    ctx.forget()
    _core.set_dose(ctx.address, 0, table(), 7, SINK)
    ctx.feed(TOKENS[:20])
    again = ctx.feed(TOKENS[20:], 20)
    np.testing.assert_allclose(again, first[20:], atol=ROUNDING)
    assert (np.abs(second - again).max(axis=1) > 10 * ROUNDING).all()


def test_decoding_uses_the_graph_again(ctx: Context) -> None:
    _core.set_dose(ctx.address, 0, table(), 7, SINK)
    ctx.feed(TOKENS[:10])
    for i, token in enumerate(TOKENS[10:]):
        _core.set_dose(ctx.address, 0, table(0.1 + 0.01 * i), i, SINK)
        ctx.feed([token], 10 + i)
    # all except the first one and those for which the cache window grew
    assert llama_cpp.llama_perf_context(ctx.address).n_reused >= 25


def interleave(*sequences: int) -> list[Entry]:
    return [(token, i, [s]) for i, token in enumerate(TOKENS) for s in sequences]


def test_sequences_in_one_batch_do_not_leak(ctx: Context) -> None:
    """Three sequences, two doses and none, in one batch: each gives the same result as on its own."""
    doses = {0: (table(), 7), 1: (table(0.2, ("A", "pV")), 8)}
    alone = []
    for sequence in range(3):
        ctx.forget()
        _core.clear_dose(ctx.address, -1)
        if sequence in doses:
            _core.set_dose(ctx.address, sequence, *doses[sequence], SINK)
        alone.append(ctx.feed(TOKENS, sequence=sequence))

    ctx.forget()
    for sequence, (doses_of, seed) in doses.items():
        _core.set_dose(ctx.address, sequence, doses_of, seed, SINK)
    together = ctx.decode(interleave(0, 1, 2))
    for sequence in range(3):
        np.testing.assert_allclose(together[sequence::3], alone[sequence], atol=ROUNDING)
    assert np.abs(alone[0] - alone[2]).max() > 0.1
    assert np.abs(alone[1] - alone[2]).max() > 0.1


def test_the_same_dose_is_the_same_in_every_sequence(ctx: Context) -> None:
    for sequence in range(2):
        _core.set_dose(ctx.address, sequence, table(), 7, SINK)
    both = ctx.decode(interleave(0, 1))
    np.testing.assert_allclose(both[0::2], both[1::2], atol=ROUNDING)


def test_a_shared_token_is_dosed_only_by_agreement(ctx: Context) -> None:
    shared: list[Entry] = [(token, i, [0, 1]) for i, token in enumerate(TOKENS)]
    sober = ctx.decode(shared)
    ctx.forget()
    _core.set_dose(ctx.address, 0, table(), 7, SINK)
    np.testing.assert_array_equal(ctx.decode(shared), sober)
    ctx.forget()
    _core.set_dose(ctx.address, 1, table(), 8, SINK)
    np.testing.assert_array_equal(ctx.decode(shared), sober)
    ctx.forget()
    _core.set_dose(ctx.address, 1, table(), 7, SINK)
    np.testing.assert_allclose(ctx.decode(shared), dosed(ctx), atol=ROUNDING)


def test_get_and_clear(ctx: Context) -> None:
    assert _core.get_dose(ctx.address, 2) is None
    _core.set_dose(ctx.address, 2, table(0.3), 11, 4)
    dose = _core.get_dose(ctx.address, 2)
    assert dose is not None
    assert (dose["seed"], dose["sink"]) == (11, 4)
    np.testing.assert_array_equal(dose["table"], table(0.3))
    _core.clear_dose(ctx.address, 2)
    assert _core.get_dose(ctx.address, 2) is None
    for sequence in (0, 3):
        _core.set_dose(ctx.address, sequence, table(), 1, 0)
    _core.clear_dose(ctx.address, -1)
    assert _core.get_dose(ctx.address, 0) is _core.get_dose(ctx.address, 3) is None


@pytest.mark.parametrize(
    ("sequence", "doses", "sink", "message"),
    [
        (0, table()[:2], 6, rf"shape \(2, {len(SITES)}\) does not fit: this model needs \({N_LAYER}, {len(SITES)}\)"),
        (0, table()[0], 6, "one row per layer"),
        (0, table() * np.nan, 6, "nan of layer 0, site H"),
        (0, table() * np.inf, 6, "inf of layer 0, site H"),
        (0, -table(sites=("A",)), 6, "layer 0, site A is not possible: angles are radians"),
        (4, table(), 6, "sequence 4: the context has no such sequence"),
        (-1, table(), 6, "sequence -1: the context has no such sequence"),
        (0, table(), -1, "number of sink positions is negative"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_the_context_refuses(ctx: Context, sequence: int, doses: F32, sink: int, message: str) -> None:
    _core.set_dose(ctx.address, 0, table(0.3), 11, 4)
    with pytest.raises(ValueError, match=message):
        _core.set_dose(ctx.address, sequence, doses, 7, sink)
    dose = _core.get_dose(ctx.address, 0)
    assert dose is not None
    assert dose["seed"] == 11


def test_a_closed_context_is_an_error_and_no_crash() -> None:
    for call in (lambda: _core.set_dose(0, 0, table(), 7, 6), lambda: _core.get_dose(0, 0), lambda: _core.n_layer(0)):
        with pytest.raises(ValueError, match="the context was closed"):
            call()
