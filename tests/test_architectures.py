"""Every architecture that llama.cpp knows: its sites are those of docs/architectures.md, and each of them works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

import drugs_cpp
from conftest import built_by_make, last_logits
from drugs_cpp import DRUGS, SITES, Llama, OptionError, _core
from support import architectures
from support.architectures import DOCUMENT, Bools, available_sites, documented_rows, dose_table, row_of
from support.low_level import Context
from support.metadata_model import EMBEDDING
from support.tiny_architectures import F32, N_PROMPT, TOKENS, Digester, open_model, run, tiny_models

SINK = 6

#: how far sums may drift if a batch is split differently
ROUNDING = 5e-4


@dataclass
class Tiny:
    """One tiny model of an architecture; from a file, or from metadata if there is none."""

    architecture: str
    path: Path | None
    ctx: Context

    @cached_property
    def found(self) -> Bools:
        return available_sites(self.ctx)

    @cached_property
    def sites(self) -> list[str]:
        return [site for i, site in enumerate(SITES) if self.found[:, i].any()]

    @cached_property
    def sober(self) -> F32:
        return run(self.ctx)

    def dose(self, sites: list[str], seed: int = 1, noise: str = "isotropic") -> None:
        tables = [dose_table(self.ctx, site) for site in sites]
        _core.set_dose(self.ctx.address, 0, sum(tables, np.zeros(self.found.shape)) * self.found, seed, SINK, noise)

    def dosed(self, site: str, seed: int = 1, noise: str = "isotropic") -> F32:
        self.dose([site], seed, noise)
        try:
            return run(self.ctx)
        finally:
            _core.clear_dose(self.ctx.address, 0)


@pytest.fixture(scope="module")
def program() -> str:
    return built_by_make("DRUGS_TEST_LLAMA_ARCHS")


@pytest.fixture(scope="module", params=sorted(documented_rows()))
def models(request: pytest.FixtureRequest, program: str) -> Iterator[list[Tiny]]:
    """The models of one architecture at a time, to save disk space: all of them take 0.9 GB."""
    with tiny_models(request.param, program) as paths:
        sources: list[Path | None] = [*paths] or [None]
        opened = [Tiny(request.param, path, open_model(request.param, path)) for path in sources]
        yield opened
        for model in opened:
            model.ctx.close()


def test_the_document_is_complete(program: str) -> None:
    assert sorted({*documented_rows(), *architectures.UNMEASURED}) == architectures.known_architectures(program)
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.startswith(architectures.HEAD + architectures.MEASURED)
    assert text.endswith(architectures.NOT_MEASURED + "\n".join(architectures.unmeasured_rows()) + "\n")


@pytest.fixture(scope="module")
def digesters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Digester]]:
    """Processes with the package's libraries, and with the unpatched ones."""
    folder = tmp_path_factory.mktemp("digesters")
    patched = str(Path(drugs_cpp.__file__).parent / "lib")
    libraries = {"patched": patched, "unpatched": built_by_make("DRUGS_UNPATCHED_LIB")}
    with contextlib.ExitStack() as stack:
        started = []
        for name, path in libraries.items():
            log = stack.enter_context((folder / name).open("w", encoding="utf-8"))
            started.append(Digester(path, log))
            stack.callback(started[-1].close)
        yield started


def test_sober_output_and_graphs_equal_upstreams(models: list[Tiny], digesters: list[Digester]) -> None:
    paths = [model.path for model in models if model.path is not None]
    for digester in digesters:
        digester.ask(models[0].architecture, paths)
    patched, unpatched = (digester.answer() for digester in digesters)
    assert patched == unpatched


def test_the_document_says_what_is_there(models: list[Tiny]) -> None:
    for model in models:
        assert row_of(model.architecture, model.found) == documented_rows()[model.architecture]
        with open_model(model.architecture, model.path, plain=True) as plain:
            assert (available_sites(plain) >= model.found).all()
        assert (available_sites(model.ctx, "reference") == model.found).all()


def test_each_site_turns_what_the_seed_says(models: list[Tiny]) -> None:
    for model in models:
        for site in model.sites:
            dosed = model.dosed(site)
            assert np.isfinite(dosed).all(), site
            assert np.abs(dosed - model.sober).max() > 0, site
            assert model.dosed(site).tobytes() == dosed.tobytes(), site
            assert np.abs(model.dosed(site, seed=2) - dosed).max() > 0, site
            reference = model.dosed(site, noise="reference")
            assert np.isfinite(reference).all(), site
            assert np.abs(reference - model.sober).max() > 0, site
            assert np.abs(reference - dosed).max() > 0, site


def test_sober_again_to_the_bit(models: list[Tiny]) -> None:
    for model in models:
        sober = model.sober
        assert np.isfinite(sober).all()
        for site in model.sites:
            model.dosed(site)
            assert run(model.ctx).tobytes() == sober.tobytes(), site


def continuation(ctx: Context) -> F32:
    return np.concatenate([ctx.feed([token], N_PROMPT + i) for i, token in enumerate(TOKENS[N_PROMPT:])])


def test_dosed_positions_can_be_computed_again(models: list[Tiny]) -> None:
    for model in models:
        ctx, sober = model.ctx, model.sober[N_PROMPT:]
        if not ctx.memory:
            continue  # it keeps nothing between batches
        ctx.forget()
        ctx.feed(TOKENS[:N_PROMPT])
        model.dose(model.sites)
        change = np.abs(continuation(ctx) - sober).max()
        _core.clear_dose(ctx.address, 0)
        if not llama_cpp.llama_memory_seq_rm(ctx.memory, 0, N_PROMPT, -1):
            ctx.forget()
            ctx.feed(TOKENS[:N_PROMPT])
        error = np.abs(continuation(ctx) - sober).max()
        assert error <= ROUNDING
        assert change > 4 * error or not model.sites


ENCODER, DECODER = slice(N_PROMPT), slice(-N_PROMPT, None)  # rows, if a model has both; otherwise all of them


def hidden_states(model: Tiny, rows: slice) -> F32:
    """Hidden states of the prompt's tokens: (n_layer + 1, n_tokens, n_embd)."""
    ctx = model.ctx
    _core.trace_clear(ctx.address)
    ctx.forget()
    ctx.feed(TOKENS[:N_PROMPT])
    layers = []
    for layer in range(len(model.found) + 1):
        found = _core.trace_part(ctx.address, "hidden", layer)
        assert found is not None, layer
        layers.append(np.concatenate(found)[rows])
    return np.stack(layers)


@contextlib.contextmanager
def traced(model: Tiny, heads: bool = False) -> Iterator[None]:
    layers = list(range(len(model.found)))
    some = {"heads": layers if heads else [], "attention": layers if heads else []}
    _core.trace_begin(model.ctx.address, hidden=[*layers, len(layers)], norm=True, logits=True, **some)
    yield
    _core.trace_end(model.ctx.address)


def test_hidden_states_of_every_layer(models: list[Tiny]) -> None:
    """A dose changes the output of its own layer and of later ones, but not of earlier ones."""
    for model in models:
        sober = model.sober
        with traced(model):
            before = hidden_states(model, ENCODER)
            assert np.isfinite(before).all()
            assert (np.abs(before).max(axis=-1) > 0).all()
            for layer, sites in enumerate(model.found):
                here = [site for site, has in zip(SITES, sites) if has]
                if not here:
                    continue  # recurrent, without an MLP
                site = "A" if "A" in here else here[-1]
                table = dose_table(model.ctx, site, slice(layer, layer + 1))
                _core.set_dose(model.ctx.address, 0, table, 1, 0)
                moved = np.abs(hidden_states(model, ENCODER) - before).max(axis=(1, 2)) > 0
                _core.clear_dose(model.ctx.address, 0)
                assert moved.tolist() == [at > layer for at in range(len(moved))], (site, layer)
        assert run(model.ctx).tobytes() == sober.tobytes()


def test_the_lens_of_the_last_layer_is_the_output(models: list[Tiny]) -> None:
    for model in models:
        if model.architecture in EMBEDDING:
            continue
        with traced(model):
            last = hidden_states(model, DECODER)[-1]
            if model.architecture in architectures.WITHOUT_LENS:
                with pytest.raises(OptionError, match="the lens"):
                    _core.trace_lens(model.ctx.address, last)
                continue
            lens = _core.trace_lens(model.ctx.address, last)
        model.ctx.forget()
        np.testing.assert_allclose(lens, model.ctx.feed(TOKENS[:N_PROMPT]), atol=1e-6)


def test_heads_and_attention_weights(models: list[Tiny]) -> None:
    for model in models:
        with traced(model, heads=True):
            hidden_states(model, DECODER)
            for layer, has_heads in enumerate(model.found[:, SITES.index("A")]):
                heads = _core.trace_part(model.ctx.address, "heads", layer)
                assert (heads is not None) == has_heads
                assert heads is None or all(np.isfinite(row).all() for row in heads)
                weights = _core.trace_part(model.ctx.address, "attention", layer)
                if model.architecture not in architectures.WITHOUT_WEIGHTS:
                    assert (weights is not None) == has_heads
                elif model.architecture != "minimax-m3":
                    assert weights is None
                for row in weights or []:
                    assert (row >= 0).all()
                    assert (row.sum(axis=1) <= 1 + 1e-4).all()  # less if a sink takes some


def test_a_cold_shower_restores(models: list[Tiny]) -> None:
    for model in models:
        if model.path is None or not model.ctx.memory or not model.sites:
            continue  # llama-cpp-python loads files, and needs a memory (llama_memory)
        drugs = DRUGS()
        for site in model.sites:
            drugs.set_dose_theta(0.5, site)
        llm = Llama(model.path, drugs=drugs, seed=1, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
        llm.eval(TOKENS[:N_PROMPT])
        for token in TOKENS[N_PROMPT:]:
            llm.eval([token], dosed=True)
        assert llm.dirty_count == len(TOKENS) - N_PROMPT
        llm.cold_shower()
        showered = last_logits(llm)
        llm.reset()
        llm.eval(TOKENS[:N_PROMPT])
        llm.eval(TOKENS[N_PROMPT:])
        np.testing.assert_allclose(showered, last_logits(llm), atol=ROUNDING)
        llm.close()
