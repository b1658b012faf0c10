"""The same numbers on a GPU as on the CPU. Without a GPU, none of this runs."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from conftest import MakeLlama, built_by_make, last_logits
from drugs_cpp import DRUGS, SITES, _core

F32 = npt.NDArray[np.float32]

CARDS = [device["name"] for device in _core.devices() if device["kind"] in ("GPU", "IGPU")]

pytestmark = pytest.mark.skipif(
    not CARDS, reason="no graphics card that this build knows: where one is, `CMAKE_ARGS=-DGGML_CUDA=ON make check-gpu`"
)

OPS = "RANDOM_ROTATE,RANDOM_ROTATE_SCORES_VALUES"

#: the types that the kernels read: see csrc/kernel/gpu/random-rotate-gpu-cache.h
CACHE_TYPES = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"]

PROMPT = [1, *range(40, 60)]


def numbers(*shape: int) -> F32:
    """Different for each shape: a key that is a query would have no certain direction orthogonal to it."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def close(found: F32, expected: F32, length: float | F32) -> None:
    assert np.all(np.abs(found - expected) <= 1e-5 * length), np.abs((found - expected) / length).max()


@pytest.fixture(params=CARDS or ["none"])
def card(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("d", [1, 2, 3, 63, 64, 65, 128, 576, 2048, 2049, 4096, 8193])
def test_rows(card: str, d: int, noise: str) -> None:
    x = numbers(50, 3, d)
    turn: dict[str, Any] = {"theta": 0.7, "seed": 7, "positions": np.arange(50), "layer": 3, "site": "A"}
    turn["noise"] = noise
    here = _core.rotate(x, **turn)
    close(_core.rotate(x, **turn, device=card), here, np.linalg.norm(x, axis=-1, keepdims=True))


def test_bad_rows_stay_alone(card: str) -> None:
    x = numbers(6, 1, 64)
    x[1] = 0
    x[2, 0, 5] = np.nan
    x[3, 0, 5] = np.inf
    x[4] *= 1e-30
    x[5] *= 1e30
    here, there = (_core.rotate(x, 0.7, 7, np.arange(6), 0, "Q", device=device) for device in ("CPU", card))
    for row in (0, 1, 4, 5):
        close(there[row], here[row], float(np.linalg.norm(x[row].astype(np.float64))))
    np.testing.assert_array_equal(there[2:4].view(np.uint32), x[2:4].view(np.uint32))


def test_no_angle_gives_the_same_bits(card: str) -> None:
    x = numbers(5, 2, 64)
    np.testing.assert_array_equal(_core.rotate(x, 0, 7, np.arange(5), 0, "Q", device=card), x)


@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("cache_type", CACHE_TYPES)
def test_scores_and_values(card: str, cache_type: str, noise: str) -> None:
    n_kv, n_head_kv, n_head, d = 333, 2, 6, 64
    cells = np.random.default_rng(1).permutation(n_kv)
    cells[::17] = -1
    ask: dict[str, Any] = {"theta": 0.6, "seed": 7, "positions": np.arange(n_kv, n_kv + 3), "cells": cells, "sink": 6}
    ask |= {"noise": noise, "cache_type": cache_type}

    q, k = numbers(3, n_head, d), numbers(n_kv, n_head_kv, d)
    here = _core.attend_scores(q, k, **ask)
    close(_core.attend_scores(q, k, **ask, device=card), here, float(d))

    p = np.exp(numbers(n_head, 3, n_kv))
    p /= p.sum(-1, keepdims=True)
    for transposed in [False, True] if cache_type in ("f32", "f16", "bf16") else [False]:
        v = numbers(n_head_kv, d, n_kv) if transposed else numbers(n_kv, n_head_kv, d)
        here = _core.attend_values(p, v, transposed, **ask)
        there = _core.attend_values(p, v, transposed, **ask, device=card)
        close(there, here, np.linalg.norm(here, axis=-1, keepdims=True))


def test_upstreams_harness(card: str) -> None:
    command = [built_by_make("DRUGS_TEST_BACKEND_OPS"), "test", "-o", OPS, "-b", card]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    passed = re.search(r"(\d+)/(\d+) tests passed", output)
    assert passed is not None
    assert passed[1] == passed[2]
    assert int(passed[1]) >= 30


def test_cases_of_the_kernels_on_the_card(card: str) -> None:
    """Those of `make check-kernels`."""
    run = subprocess.run([built_by_make("DRUGS_CHECK_KERNELS"), card], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.findall(rf"^{card} +(\w+) ", run.stdout, re.M) == ["rows", "scores", "values"]


@pytest.mark.parametrize("flash_attn", [False, True])
@pytest.mark.parametrize("site", SITES)
def test_logits(make_llama: MakeLlama, tiny_model_path: str, site: str, flash_attn: bool) -> None:
    """Nearly as close to the CPU's logits as sober ones; a dose changes them by a hundred times as much."""

    def logits(n_gpu_layers: int, **dose: Any) -> F32:
        settings: dict[str, Any] = {"flash_attn": flash_attn, "dose_inputs": True, "type_k": 0, "type_v": 0}
        llm = make_llama(tiny_model_path, n_gpu_layers=n_gpu_layers, **settings)
        llm.drugs.assign(DRUGS(seed=7, **dose))
        llm.eval(PROMPT)
        return last_logits(llm)

    dose: dict[str, Any] = {site: 0.5}
    sober, dosed = np.abs(logits(0) - logits(-1)).max(), np.abs(logits(0, **dose) - logits(-1, **dose)).max()
    moved = np.abs(logits(-1) - logits(-1, **dose)).max()
    assert dosed < max(20 * sober, 1e-4) < moved / 5


def test_a_new_dose_needs_no_new_graph(make_llama: MakeLlama, tiny_model_path: str) -> None:
    """A captured CUDA graph is replayed: it must read the new doses and seeds."""
    llm = make_llama(tiny_model_path, n_gpu_layers=-1)

    def text(seed: int, dose: float) -> list[int]:
        llm.reset()
        llm.drugs.assign(DRUGS(seed=seed, A=dose, K=dose, V=dose))
        return list(llm.Dgenerate(PROMPT, max_new_tokens=32))

    fresh = {(seed, dose): text(seed, dose) for seed in (1, 2) for dose in (0.4, 0.8)}
    assert len({tuple(tokens) for tokens in fresh.values()}) == len(fresh)
    for (seed, dose), tokens in reversed(fresh.items()):
        assert text(seed, dose) == tokens


def test_part_of_the_layers(make_llama: MakeLlama, tiny_model_path: str) -> None:
    """Only the GPU's own rounding, for example of TF32, may differ."""
    dose: dict[str, Any] = dict.fromkeys(SITES, 0.4)

    def logits(n_gpu_layers: int, **dose: Any) -> F32:
        llm = make_llama(tiny_model_path, n_gpu_layers=n_gpu_layers, dose_inputs=True, type_k=0, type_v=0)
        llm.drugs.assign(DRUGS(seed=7, **dose))
        llm.eval(PROMPT)
        return last_logits(llm)

    sober, dosed = logits(0), logits(0, **dose)
    for n_gpu_layers in (1, 2, 3, -1):
        rounding = np.abs(logits(n_gpu_layers) - sober).max()
        assert np.abs(logits(n_gpu_layers, **dose) - dosed).max() < max(20 * rounding, 1e-4)


def test_memory_is_used_as_it_should_be(card: str) -> None:
    """With CUDA: NVIDIA's compute-sanitizer reports nothing."""
    sanitizer = os.environ.get("DRUGS_COMPUTE_SANITIZER")
    if not sanitizer:
        pytest.skip("DRUGS_COMPUTE_SANITIZER is not set: `make check-gpu` sets it where compute-sanitizer is installed")
    harness = [built_by_make("DRUGS_TEST_BACKEND_OPS"), "test", "-o", OPS, "-b", card]
    for tool in ("memcheck", "racecheck", "initcheck", "synccheck"):
        command = [sanitizer, "--tool", tool, "--error-exitcode", "9", *harness]
        run = subprocess.run(command, capture_output=True, check=False)
        assert run.returncode == 0, (tool, run.stdout[-2000:])
