"""Sites K and V in a model: they turn what each token reads, and leave the cache unchanged."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from conftest import built_by_make
from drugs_cpp import DRUGS, SITES, Llama, _core
from support.low_level import Context, Entry
from support.tiny_architectures import tiny_models
from support.tiny_model import N_LAYER, write_tiny_model
from test_noise import ROUNDING, SINK, TOKENS, table

F32 = npt.NDArray[np.float32]

CACHED = ("K", "V")

#: how far logits may drift if keys and values, or sums of them, are rounded to 16 bits in different ways
HALF_ROUNDING = 1e-2

BF16 = 30  # GGML_TYPE_BF16, which llama-cpp-python has no name for


@pytest.fixture
def ctx(tiny_model_path: str) -> Iterator[Context]:
    with Context(tiny_model_path) as context:
        yield context


@pytest.fixture(scope="module")
def flat_model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One layer, so keys and values do not depend on anything dosed."""
    path = tmp_path_factory.mktemp("models") / "flat.gguf"
    write_tiny_model(path, n_layer=1)
    return str(path)


def cached(ctx: Context, sequence: int = 0) -> bytes:
    size = llama_cpp.llama_state_seq_get_size(ctx.address, sequence)
    data = (ctypes.c_uint8 * size)()
    assert llama_cpp.llama_state_seq_get_data(ctx.address, data, size, sequence) == size
    return bytes(data)


@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("flash_attn", [False, True])
def test_the_cache_stays_as_it_was(flat_model_path: str, flash_attn: bool, noise: str) -> None:
    with Context(flat_model_path, flash_attn=flash_attn) as ctx:
        sober = ctx.feed(TOKENS)
        kept = cached(ctx)
        ctx.forget()
        doses = np.zeros((1, len(SITES)), np.float32)
        doses[0, [SITES.index("K"), SITES.index("V")]] = 0.5
        _core.set_dose(ctx.address, 0, doses, 7, SINK, noise)
        dosed = ctx.feed(TOKENS)
        assert np.abs(dosed - sober)[SINK:].max() > 10 * ROUNDING
        assert cached(ctx) == kept


@pytest.mark.parametrize("site", CACHED)
def test_every_position_that_reads_draws_anew(ctx: Context, site: str) -> None:
    """One token reads one cache from several positions: the noise changes its logits differently each time."""
    ctx.feed(TOKENS)

    def ask(position: int, dosed: bool) -> F32:
        if dosed:
            _core.set_dose(ctx.address, 0, table(0.5, (site,)), 7, SINK)
        row = ctx.feed([TOKENS[3]], position)[0]
        _core.clear_dose(ctx.address, 0)
        llama_cpp.llama_memory_seq_rm(ctx.memory, 0, position, -1)
        return np.asarray(row)

    sober, dosed = [], []
    for position in range(len(TOKENS), len(TOKENS) + 12):
        sober.append(ask(position, dosed=False))
        dosed.append(ask(position, dosed=True))
        assert ask(position, dosed=True).tobytes() == dosed[-1].tobytes()
        ctx.feed([TOKENS[3]], position)
    correlation = np.corrcoef(np.array(dosed) - np.array(sober))
    assert (correlation.sum() - 12) / (12 * 11) < 0.5


@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("flash_attn", [False, True])
def test_a_batch_split_changes_nothing(tiny_model_path: str, flash_attn: bool, noise: str) -> None:
    with Context(tiny_model_path, flash_attn=flash_attn) as ctx:
        _core.set_dose(ctx.address, 0, table(0.4, CACHED), 7, SINK, noise)
        whole = ctx.feed(TOKENS)
        for size in (1, 7):
            ctx.forget()
            parts = [ctx.feed(TOKENS[i : i + size], i) for i in range(0, len(TOKENS), size)]
            np.testing.assert_allclose(np.concatenate(parts), whole, atol=HALF_ROUNDING if flash_attn else ROUNDING)


def test_layers_that_are_sober_keep_flash_attention(tiny_model_path: str) -> None:
    with Context(tiny_model_path, flash_attn=True, records=True) as ctx:
        for site in CACHED:
            for layers in (range(0), range(1), range(N_LAYER)):
                ctx.forget()
                ctx.feed(TOKENS[:SINK])
                ctx.ops.clear()
                _core.set_dose(ctx.address, 0, table(0.3, (site,), layers), 7, SINK)
                ctx.feed(TOKENS, SINK)  # none of them is sober
                assert ctx.ops.count("FLASH_ATTN_EXT") == N_LAYER - len(layers)
                assert ctx.ops.count("SOFT_MAX") == len(layers)
                _core.clear_dose(ctx.address, 0)


@pytest.mark.parametrize(
    ("flash_attn", "cache_type", "error"),
    [
        (True, llama_cpp.GGML_TYPE_F16, HALF_ROUNDING),
        (False, llama_cpp.GGML_TYPE_F32, HALF_ROUNDING),
        (True, llama_cpp.GGML_TYPE_F32, HALF_ROUNDING),
        (True, BF16, 0.1),
    ],
)
def test_the_cache_may_be_laid_out_otherwise(
    tiny_model_path: str, ctx: Context, flash_attn: bool, cache_type: int, error: float
) -> None:
    for sites in (("K",), ("V",), CACHED):
        ctx.forget()
        _core.set_dose(ctx.address, 0, table(0.4, sites), 7, SINK)
        expected = ctx.feed(TOKENS)
        with Context(tiny_model_path, flash_attn=flash_attn, cache_type=cache_type) as other:
            _core.set_dose(other.address, 0, table(0.4, sites), 7, SINK)
            np.testing.assert_allclose(other.feed(TOKENS), expected, atol=error)


@pytest.mark.parametrize("kind", [llama_cpp.GGML_TYPE_Q8_0, llama_cpp.GGML_TYPE_Q4_0])
@pytest.mark.parametrize("noise", ["isotropic", "reference"])
def test_quantized_caches(model_path: str, kind: int, noise: str) -> None:
    """On the real model, because the tiny one's heads are too short for a block."""
    prompt = list(range(300, 340))
    with Context(model_path, flash_attn=True) as plain, Context(model_path, flash_attn=True, cache_type=kind) as ctx:
        doses = np.zeros((_core.n_layer(ctx.address), len(SITES)), np.float32)
        doses[:, [SITES.index("K"), SITES.index("V")]] = 0.15
        rounding = np.abs(ctx.feed(prompt) - plain.feed(prompt)).mean()
        found = []
        for context in (ctx, plain):
            context.forget()
            _core.set_dose(context.address, 0, doses, 7, SINK, noise)
            found.append(context.feed(prompt))
        assert np.isfinite(found[0]).all()
        if noise == "isotropic":
            # llama.cpp rotates quantized keys with a fixed matrix, so the directions differ; their effect is as large
            assert np.abs(found[0] - found[1]).mean() < 20 * rounding + 1


def test_a_shared_prefix(ctx: Context) -> None:
    """Two sequences share cells; each gives the same result as on its own."""
    n_prefix = 20

    def dose(sequence: int) -> None:
        _core.set_dose(ctx.address, sequence, table(0.4, CACHED), 7 + sequence, SINK)

    alone = []
    for sequence in (0, 1):
        ctx.forget()
        _core.clear_dose(ctx.address, -1)
        ctx.feed(TOKENS[:n_prefix], sequence=sequence)
        dose(sequence)
        alone.append([ctx.feed([token], n_prefix + i, sequence)[0] for i, token in enumerate(TOKENS[n_prefix:])])

    ctx.forget()
    _core.clear_dose(ctx.address, -1)
    ctx.feed(TOKENS[:n_prefix])
    llama_cpp.llama_memory_seq_cp(ctx.memory, 0, 1, -1, -1)
    dose(0)
    dose(1)
    for i, token in enumerate(TOKENS[n_prefix:]):
        both: list[Entry] = [(token, n_prefix + i, [sequence]) for sequence in (0, 1)]
        for sequence, row in enumerate(ctx.decode(both)):
            np.testing.assert_allclose(row, alone[sequence][i], atol=ROUNDING)
    assert np.abs(np.array(alone[0]) - np.array(alone[1])).max() > 10 * ROUNDING


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3", "gpt-oss"])
@pytest.mark.parametrize("flash_attn", [False, True])
def test_sliding_windows(architecture: str, flash_attn: bool) -> None:
    """Windows of 32 tokens, caches that forget, soft caps, attention sinks: batches agree far beyond a window."""
    tokens = [(7 * i * i + 3 * i + 5) % 128 for i in range(120)]
    found = {}
    with (
        tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths,
        Context(str(paths[0]), flash_attn=flash_attn, n_ubatch=16, n_seq_max=1) as ctx,
    ):
        assert llama_cpp.llama_model_n_swa(ctx.model) == 32
        doses = np.zeros((_core.n_layer(ctx.address), len(SITES)), np.float32)
        for dosed in (False, True):
            doses[:, [SITES.index(site) for site in CACHED]] = 0.4 * dosed
            _core.set_dose(ctx.address, 0, doses, 7, SINK)
            for size in (len(tokens), 1, 16):
                ctx.forget()
                parts = [ctx.feed(tokens[i : i + size], i) for i in range(0, len(tokens), size)]
                found[dosed, size] = np.concatenate(parts)
    rounding = {
        dosed: max(np.abs(found[dosed, size] - found[dosed, len(tokens)]).max() for size in (1, 16))
        for dosed in (False, True)
    }
    effect = np.abs(found[True, 1] - found[False, 1])[SINK:].max(axis=1)
    assert rounding[True] < 10 * max(rounding[False], ROUNDING)
    assert np.median(effect[40:]) > 3 * rounding[True]


@pytest.mark.parametrize("flash_attn", [False, True])
def test_a_sober_neighbour_is_sober_to_the_bit(tiny_model_path: str, flash_attn: bool) -> None:
    """A batch with both kinds of tokens computes attention twice, so not even rounding is shared."""
    both: list[Entry] = [(token, i, [s]) for i, token in enumerate(TOKENS) for s in (0, 1)]
    with Context(tiny_model_path, flash_attn=flash_attn) as ctx:
        sober = ctx.decode(both)
        for sites in (("K",), ("V",), CACHED):
            ctx.forget()
            _core.set_dose(ctx.address, 1, table(0.4, sites), 7, SINK)
            dosed = ctx.decode(both)
            assert dosed[0::2].tobytes() == sober[0::2].tobytes()
            assert dosed[1 : 2 * SINK : 2].tobytes() == sober[1 : 2 * SINK : 2].tobytes()
            assert np.abs(dosed - sober)[2 * SINK + 1 :: 2].max() > 10 * ROUNDING


@pytest.mark.parametrize("sites", [("A",), ("H", "Q", "pK", "pV"), ("K",)])
def test_a_dosed_neighbour_whose_cache_is_not_turned_stays_what_it_is(ctx: Context, sites: tuple[str, ...]) -> None:
    """Its attention is not rounded differently if others are dosed at K and V, nor in layers where only they are."""
    layers = range(1, 2) if "K" in sites else range(N_LAYER)
    both: list[Entry] = [(token, i, [s]) for i, token in enumerate(TOKENS) for s in (0, 1)]

    def beside(*doses: F32) -> F32:
        ctx.forget()
        _core.clear_dose(ctx.address, -1)
        for sequence, dose in enumerate(doses):
            _core.set_dose(ctx.address, sequence, dose, 7, SINK)
        return ctx.decode(both)[0::2]

    mine = table(0.4, sites, layers=layers)
    alone = beside(mine)
    for others in (("V",), CACHED):
        assert beside(mine, table(0.4, others, layers=range(1))).tobytes() == alone.tobytes()
    assert np.abs(alone - beside()).max() > 10 * ROUNDING


def test_both_kinds_of_noise_in_one_batch(ctx: Context) -> None:
    """Queries are turned in two places of the graph, and those of each sequence in only one."""
    kinds = ("isotropic", "reference")
    alone = []
    for sequence, noise in enumerate(kinds):
        ctx.forget()
        _core.clear_dose(ctx.address, -1)
        _core.set_dose(ctx.address, sequence, table(0.4), 7, SINK, noise)
        alone.append(ctx.feed(TOKENS, sequence=sequence))
    ctx.forget()
    for sequence, noise in enumerate(kinds):
        _core.set_dose(ctx.address, sequence, table(0.4), 7, SINK, noise)
    together = ctx.decode([(token, i, [s]) for i, token in enumerate(TOKENS) for s in (0, 1)])
    for sequence in (0, 1):
        np.testing.assert_allclose(together[sequence::2], alone[sequence], atol=ROUNDING)
    assert np.abs(alone[0] - alone[1])[SINK:].max() > 10 * ROUNDING


def test_other_sites_can_take_turns(ctx: Context) -> None:
    """Graphs of the same size that dose different sites do not reuse each other's memory."""
    first: dict[str, bytes] = {}
    for site in (*SITES, *reversed(SITES)):
        ctx.forget()
        _core.set_dose(ctx.address, 0, table(0.4, (site,)), 7, SINK)
        found = ctx.feed(TOKENS).tobytes()
        assert first.setdefault(site, found) == found, site
    assert len(set(first.values())) == len(SITES)


#
# drugs_cpp.Llama
#


def test_reference_settings_carry_over(tiny_model_path: str) -> None:
    drugs = DRUGS(K=0.3, V=0.2, noise="reference", seed=5)
    assert DRUGS.from_dict(drugs.to_dict()) == drugs
    assert "noise='reference'" in repr(drugs)
    llm = Llama(tiny_model_path, drugs=drugs, verbose=False)
    texts = []
    for noise in ("reference", "isotropic", "reference"):
        drugs.noise = noise
        llm.reset()
        texts.append(llm.Dgenerate([1, 20, 30, 40, 50, 60, 70, 80], max_new_tokens=24))
    assert texts[0] == texts[2] != texts[1]
    llm.close()


def test_unknown_noise() -> None:
    drugs = DRUGS(noise="reference")
    for set_it in (lambda: DRUGS(noise="pink"), lambda: setattr(drugs, "noise", "pink")):
        with pytest.raises(ValueError, match="unknown noise 'pink': the kinds are isotropic, reference"):
            set_it()
    assert drugs.noise == "reference"


@pytest.fixture(scope="module")
def lacking() -> Iterator[Path]:
    """A model without attention, as made by ``test_architectures``."""
    with tiny_models("mamba", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        yield paths[0]


def test_a_site_that_the_model_lacks(lacking: Path) -> None:
    with pytest.raises(ValueError, match="this model has no site Q, K where it is dosed: it has none"):
        Llama(lacking, drugs=DRUGS(Q=0.1, K=0.1), verbose=False)
    llm = Llama(lacking, verbose=False)
    assert llm.sites == ()
    llm.drugs = DRUGS(A=0.1)
    with pytest.raises(ValueError, match="no site A"):
        llm.eval([1, 2, 3], dosed=True)
    llm.strict = False
    with pytest.warns(UserWarning, match="no site A .* A stays sober"):
        llm.eval([1, 2, 3], dosed=True)
    assert llm.dirty_count == 0
    llm.close()
