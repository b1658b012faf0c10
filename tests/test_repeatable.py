"""A dosed run computes the same bits in any batch: whatever the other tokens, the split of its prompt, the threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from conftest import built_by_make
from drugs_cpp import DRUGS, Llama, OptionError, _core
from drugs_cpp.engine.contexts import open_context
from support.low_level import N_GPU_LAYERS
from support.quantized import TYPES, write_quantized_model
from support.tiny_architectures import TOKENS, tiny_models

pytestmark = pytest.mark.skipif(N_GPU_LAYERS != 0, reason="only the processor computes repeatably")

PROMPT = [1, *np.random.default_rng(5).integers(32, 120, 290).tolist()]
N_NEW = 10
DOSES = {"H": 0.05, "A": 0.2, "K": 0.2, "V": 0.3}

#: settings with different batches, threads and kinds of attention; flash attention sums in its own order
WAYS: list[dict[str, Any]] = [
    {"n_batch": 7, "n_ubatch": 7},
    {"n_ubatch": 16},
    {"n_batch": 1, "n_ubatch": 1, "n_threads": 1, "n_threads_batch": 1},
    {"n_threads": 3, "n_threads_batch": 2},
]

#: prompts that are evaluated before, so that the cache contains part of the prompt
CUTS = [[5, 100, 290], [1, 37, 38], [289]]


class Numbers(NamedTuple):
    tokens: list[int]
    logits: npt.NDArray[np.float32]

    def same_as(self, other: Numbers) -> bool:
        return self.tokens == other.tokens and self.logits.tobytes() == other.logits.tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture(params=[name for name in TYPES if name != "Q2_K"])
def path(request: pytest.FixtureRequest, folder: Path) -> str:
    return str(write_quantized_model(folder, request.param))


def load(path: str, **kwargs: Any) -> Llama:
    return Llama(path, **{"drugs": DOSES, "seed": 3, "n_ctx": 512, "verbose": False, **kwargs})


def numbers(llm: Llama, read_before: Sequence[int] = ()) -> Numbers:
    """New tokens, and the logits that chose the last one."""
    for n_tokens in read_before:
        next(llm.generate(PROMPT[:n_tokens]))
    tokens = []
    for token in llm.generate(PROMPT):
        tokens.append(token)
        if len(tokens) == N_NEW:
            break
    return Numbers(tokens, np.array(llm.engine.session.decoder.logits()))


def numbers_of(path: str, read_before: Sequence[int] = (), **kwargs: Any) -> Numbers:
    llm = load(path, **kwargs)
    try:
        return numbers(llm, read_before)
    finally:
        llm.close()


@pytest.mark.parametrize("flash_attn", [False, True])
def test_batches_threads_and_cuts_change_no_bit(path: str, flash_attn: bool) -> None:
    wanted = numbers_of(path, flash_attn=flash_attn)
    assert all(wanted.same_as(numbers_of(path, flash_attn=flash_attn, **way)) for way in WAYS)
    assert all(wanted.same_as(numbers_of(path, cut, flash_attn=flash_attn)) for cut in CUTS)


def test_company_changes_no_bit(path: str) -> None:
    """A dosed sequence after 1 to 17 others with different tokens, in one batch."""
    llm = load(path)
    context = open_context(llm.engine.settings, 18, 512, unified=False)
    address = int(context.ctx)
    decoder = _core.Decoder(address)

    def logits(n_others: int) -> bytes:
        context.kv_cache_clear()
        _core.clear_dose(address, -1)
        _core.set_repeatable(address, -1, False)
        dose = llm.engine.dosing.dose(llm.engine.sites, seed=3, n_before=0)
        assert dose is not None
        dose.give(address, n_others)
        _core.set_repeatable(address, n_others, True)  # one of them is enough
        for other in range(n_others):
            decoder.evaluate(PROMPT[other + 1 : other + 61], 0, [other])
        decoder.evaluate(PROMPT[:60], 0, [n_others])
        for position in range(60, 63):
            # as copies, in one batch
            decoder.evaluate(PROMPT[position : position + 1], position, list(range(n_others + 1)), False)
        return np.array(decoder.logits()).tobytes()

    try:
        alone = logits(0)
        assert all(logits(n_others) == alone for n_others in (1, 2, 3, 4, 7, 16, 17))
    finally:
        context.close()
        llm.close()


def test_variations_are_the_same_in_any_number(path: str) -> None:
    llm = load(path)
    try:
        texts = [
            [
                choice["text"]
                for choice in llm.variations(PROMPT[:70], n=9, seeds=1, max_tokens=16, n_parallel=n)["choices"]
            ]
            for n in (1, 2, 5, 9)
        ]
        assert all(other == texts[0] for other in texts)
        assert len(set(texts[0])) > 1
    finally:
        llm.close()


def test_without_it_batches_matter(folder: Path) -> None:
    """So that the tests above can fail: for some types, llama.cpp's own kernels differ."""
    paths = [str(write_quantized_model(folder, name)) for name in ("F16", "BF16", "Q4_K")]
    assert any(
        not numbers_of(path, flash_attn=True, repeatable=False).same_as(
            numbers_of(path, flash_attn=True, repeatable=False, **WAYS[0])
        )
        for path in paths
    )


@pytest.fixture
def f16(folder: Path) -> Iterator[Llama]:
    llm = load(str(write_quantized_model(folder, "F16")))
    yield llm
    llm.close()


def sober_logits(llm: llama_cpp.Llama) -> bytes:
    llm.reset()
    llm.eval(PROMPT[:50])
    llm.eval(PROMPT[50:51])
    return np.ctypeslib.as_array(llm._ctx.get_logits_ith(-1), (llm.n_vocab(),)).tobytes()


def test_what_is_sober_stays_as_in_llama_cpp(folder: Path) -> None:
    path = str(write_quantized_model(folder, "F16"))
    plain = llama_cpp.Llama(path, n_ctx=512, verbose=False)
    sober = load(path, drugs=None, n_threads=plain.n_threads, n_threads_batch=plain.n_threads_batch)
    asked = load(path, drugs=None, repeatable=True)
    try:
        assert sober_logits(sober) == sober_logits(plain)
        assert sober_logits(asked) != sober_logits(plain)  # a single token is summed like several
    finally:
        for llm in (plain, sober, asked):
            llm.close()


def test_a_sober_run_uses_nothing_that_was_computed_repeatably_and_the_other_way_round(f16: Llama) -> None:
    wanted = numbers(f16)
    with f16.sober():
        sober = numbers(f16)
        f16.reset()
        assert sober.same_as(numbers(f16))
    assert wanted.same_as(numbers(f16))


def test_showers_belong_to_the_run(folder: Path) -> None:
    path = str(write_quantized_model(folder, "Q6_K"))
    one, other = (numbers_of(path, sober_interval=4, **way) for way in ({}, WAYS[0]))
    assert one.same_as(other)


def test_a_state_knows_how_positions_were_computed(folder: Path, f16: Llama) -> None:
    wanted = numbers(f16)
    with f16.sober():
        numbers(f16)
    other = load(str(write_quantized_model(folder, "F16")))
    try:
        other.load_state(f16.save_state())
        other.drugs = DRUGS(DOSES, seed=3)
        assert numbers(other).same_as(wanted)
    finally:
        other.close()


@pytest.mark.parametrize(("name", "wanted"), [("Q4_K", None), ("Q2_K", False)])
def test_where_it_would_cost_much_it_is_off_unless_asked_for(folder: Path, name: str, wanted: bool | None) -> None:
    path = str(write_quantized_model(folder, name))
    for given, expected in ((None, wanted), (True, True), (False, False)):
        llm = load(path, repeatable=given)
        assert llm.repeatable is expected
        llm.close()


def test_a_type_that_costs_much_is_the_same_too(folder: Path) -> None:
    path = str(write_quantized_model(folder, "Q2_K"))
    one, other = (numbers_of(path, repeatable=True, **way) for way in ({}, WAYS[0]))
    assert one.same_as(other)


def test_another_device_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(write_quantized_model(folder, "F16"))
    monkeypatch.setattr(_core, "can_repeat", lambda _: False)
    monkeypatch.setattr(_core, "repeats_cheaply", lambda _: False)
    with pytest.raises(OptionError, match=r"repeatable=True.*n_gpu_layers=0"):
        load(path, repeatable=True)
    llm = load(path)
    assert llm.repeatable is False
    llm.close()


#: soft-capped scores, sinks, ALiBi, values of a different size than keys, and the usual kind
KINDS_OF_ATTENTION = ("gemma2", "gpt-oss", "mpt", "deepseek2", "llama")


@pytest.mark.parametrize("architecture", KINDS_OF_ATTENTION)
def test_attention_is_llama_cpps_but_for_rounding(architecture: str) -> None:
    tokens = TOKENS * 3
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        assert paths
        for path in paths:
            found = []
            for settings in ({"repeatable": False}, {"repeatable": True, "flash_attn": True}, {"repeatable": True}):
                llm = load(str(path), drugs=None, n_ctx=128, **settings)
                llm.eval(tokens)
                found.append(np.array(llm.engine.session.decoder.logits()))
                llm.close()
            plain, flash, usual = found
            spread = float(plain.max() - plain.min())
            assert np.abs(usual - plain).max() < 2e-3 * spread
            assert np.abs(flash - plain).max() < 2e-3 * spread
