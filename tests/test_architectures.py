"""Every architecture that llama.cpp knows: its sites are those of docs/architectures.md, and each of them works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

import drugs_cpp
from conftest import built_by_make, last_logits
from drugs_cpp import DRUGS, SITES, Llama, _core
from support import architectures
from support.architectures import DOCUMENT, Bools, available_sites, documented_rows, dose_table, row_of
from support.low_level import Context
from support.process import run_python
from support.tiny_architectures import F32, N_PROMPT, TOKENS, open_model, run, tiny_models

SINK = 6

#: how far sums may drift when a batch is cut differently
ROUNDING = 5e-4


@dataclass
class Tiny:
    """One tiny model of an architecture; from a file, or from metadata where there is none."""

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
    """The models of one architecture at a time, so that little of the disk is used: all of them are 0.9 GB."""
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


def sober_digests(program: str, libraries: str | Path, output: Path) -> dict[str, str]:
    module = ("-m", "support.tiny_architectures")
    ran = run_python(*module, program, str(output), *documented_rows(), LLAMA_CPP_LIB_PATH=str(libraries))
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(output.read_text(encoding="utf-8")))


def test_sober_output_and_graphs_equal_upstreams(program: str, tmp_path: Path) -> None:
    unpatched = built_by_make("DRUGS_UNPATCHED_LIB")
    patched = Path(drugs_cpp.__file__).parent / "lib"
    assert sober_digests(program, patched, tmp_path / "patched") == sober_digests(program, unpatched, tmp_path / "not")


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
            continue  # keeps nothing between batches
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


def test_a_cold_shower_restores(models: list[Tiny]) -> None:
    for model in models:
        if model.path is None or not model.ctx.memory or not model.sites:
            continue  # llama-cpp-python loads files, and needs a memory
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
