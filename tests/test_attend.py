"""Sites K and V on their own: the shortcuts against keys and values that are turned one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from drugs_cpp import SITES, _core
from support import brute_force

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

THETA = 0.8
N_DRAWS = 20_000
KINDS = ["isotropic", "reference"]


def vectors(n: int, d: int, seed: int = 0, mean: float = 0.2) -> F64:
    return np.asarray(np.random.default_rng(seed).standard_normal((n, d)) + mean)


def fast_scores(q: F64, k: F64, noise: str, n: int = N_DRAWS, theta: float = THETA) -> F64:
    """Scores for which every position that reads the keys draws its own noise: float64 (n, n_kv)."""
    asked = np.broadcast_to(q, (n, 1, len(q)))
    found = _core.attend_scores(asked, k[:, None], theta, 5, np.arange(n) + 100, np.arange(len(k)), noise=noise)
    return np.asarray(found[0], np.float64)


def fast_values(p: F64, v: F64, noise: str, n: int = N_DRAWS, theta: float = THETA) -> F64:
    weights = np.broadcast_to(p, (1, n, len(p)))
    sums = _core.attend_values(weights, v[:, None], False, theta, 5, np.arange(n) + 100, np.arange(len(v)), noise=noise)
    return np.asarray(sums[0], np.float64)


def weights(n: int, peaked: float) -> F64:
    p = np.exp(peaked * np.random.default_rng(4).standard_normal(n))
    return np.asarray(p / p.sum())


#
# K
#


@pytest.mark.parametrize("d", [2, 3, 4, 5, 16, 63, 64, 128])
def test_scores_are_distributed_as_with_turned_keys(d: int) -> None:
    """The isotropic identity is exact for every head length."""
    q, k = vectors(1, d)[0], vectors(4, d, 1)
    drawn = brute_force.scores(q, k, THETA, "isotropic", np.random.default_rng(2), N_DRAWS)
    found = fast_scores(q, k, "isotropic")
    for key in range(len(k)):
        assert stats.ks_2samp(found[:, key], drawn[:, key]).pvalue > 1e-3


@pytest.mark.parametrize("d", [16, 64, 128])
@pytest.mark.parametrize("mean", [0.0, 0.2, -1.0])
def test_reference_scores_are_distributed_as_with_turned_keys(d: int, mean: float) -> None:
    """Sums of d uniforms are treated as normal: for the length of a head, no difference is measurable."""
    q, k = vectors(1, d, 0, mean)[0], vectors(4, d, 1, mean)
    drawn = brute_force.scores(q, k, THETA, "reference", np.random.default_rng(2), N_DRAWS)
    found = fast_scores(q, k, "reference")
    for key in range(len(k)):
        assert stats.ks_2samp(found[:, key], drawn[:, key]).statistic < 0.025


@pytest.mark.parametrize("noise", KINDS)
def test_scores_of_several_keys_are_independent(noise: str) -> None:
    found = fast_scores(vectors(1, 64)[0], vectors(40, 64, 1), noise)
    correlation = np.corrcoef(found.T) - np.eye(40)
    assert np.abs(correlation).max() < 6 / np.sqrt(N_DRAWS)


def test_a_query_along_its_key_turns_by_the_angle_alone() -> None:
    k = vectors(1, 64)
    found = fast_scores(k[0], k, "isotropic") / (k[0] @ k[0])
    angle = np.arccos(np.clip(found[:, 0], -1, 1))
    assert stats.kstest(angle, "uniform", args=(0, THETA)).pvalue > 1e-3


#
# V
#


@pytest.mark.parametrize("peaked", [0.0, 1.5, 5.0])
@pytest.mark.parametrize("d", [16, 64])
@pytest.mark.parametrize("noise", KINDS)
def test_sums_have_the_moments_of_turned_values(d: int, peaked: float, noise: str) -> None:
    p, v = weights(40, peaked), vectors(40, d)
    drawn = brute_force.values(p, v, THETA, noise, np.random.default_rng(2), N_DRAWS // 2)
    found = fast_values(p, v, noise)
    error = np.sqrt(drawn.var(0) / len(drawn) + found.var(0) / len(found))
    off = np.abs(found.mean(0) - drawn.mean(0))
    # reference noise has a mean of its own, which the shortcut may miss by a hundredth
    assert (off < 4.5 * error + 0.02 * np.abs(drawn.mean(0) - p @ v)).all()

    assert np.trace(np.cov(found.T)) / np.trace(np.cov(drawn.T)) == pytest.approx(1, abs=0.03)
    for direction in (p @ v, v[p.argmax()], np.ones(d), vectors(1, d, 9)[0]):
        ratio = np.var(found @ direction) / np.var(drawn @ direction)
        assert ratio == pytest.approx(1, abs=0.2 if d < 64 else 0.12)


@pytest.mark.parametrize("d", [2, 3, 16, 64])
def test_a_single_value_is_turned_exactly(d: int) -> None:
    """One position has all the weight: the sum is that value, turned."""
    v = vectors(1, d)
    found = fast_values(np.ones(1), v, "isotropic")
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(v), rtol=1e-5)
    angle = np.arccos(np.clip(found @ v[0] / (v[0] @ v[0]), -1, 1))
    assert stats.kstest(angle, "uniform", args=(0, THETA)).pvalue > 1e-3
    if d > 2:
        axis = vectors(1, d, 5)[0]
        axis -= (axis @ v[0]) / (v[0] @ v[0]) * v[0]
        u = found - np.cos(angle)[:, None] * v
        t = (u @ axis) / np.linalg.norm(u, axis=1) / np.linalg.norm(axis)
        half = (d - 2) / 2
        assert stats.kstest((t + 1) / 2, stats.beta(half, half).cdf).pvalue > 1e-3


def test_a_single_value_under_reference_noise() -> None:
    v = vectors(1, 64)
    drawn = brute_force.values(np.ones(1), v, THETA, "reference", np.random.default_rng(2), N_DRAWS)
    found = fast_values(np.ones(1), v, "reference")
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(v), rtol=1e-4)
    for number in range(0, 64, 7):
        assert stats.ks_2samp(found[:, number], drawn[:, number]).pvalue > 1e-3


#
# both
#


def scores_of(q: F64, k: F64, positions: npt.NDArray[np.int64], cells: npt.NDArray[np.int64], **kwargs: object) -> F32:
    return _core.attend_scores(q, k, THETA, 5, positions, cells, **kwargs)  # type: ignore[arg-type]


def values_of(p: F64, v: F64, positions: npt.NDArray[np.int64], cells: npt.NDArray[np.int64], **kwargs: object) -> F32:
    return _core.attend_values(p, v, False, THETA, 5, positions, cells, **kwargs)  # type: ignore[arg-type]


N_KV, N_TOKENS, N_HEAD, N_HEAD_KV, D = 300, 5, 6, 2, 48


@pytest.fixture(scope="module")
def case() -> dict[str, F64]:
    rng = np.random.default_rng(6)
    p = rng.random((N_HEAD, N_TOKENS, N_KV)) ** 8
    return {
        "q": rng.standard_normal((N_TOKENS, N_HEAD, D)),
        "k": rng.standard_normal((N_KV, N_HEAD_KV, D)),
        "v": rng.standard_normal((N_KV, N_HEAD_KV, D)),
        "p": p / p.sum(-1, keepdims=True),
    }


POSITIONS = np.arange(N_TOKENS) + N_KV
CELLS = np.arange(N_KV)


def test_no_angle_is_plain_attention(case: dict[str, F64]) -> None:
    group = N_HEAD // N_HEAD_KV
    scores = _core.attend_scores(case["q"], case["k"], 0.0, 5, POSITIONS, CELLS)
    np.testing.assert_allclose(scores, np.einsum("thd,khd->htk", case["q"], case["k"].repeat(group, 1)), atol=1e-4)
    sums = _core.attend_values(case["p"], case["v"], False, 0.0, 5, POSITIONS, CELLS)
    np.testing.assert_allclose(sums, np.einsum("htk,khd->htd", case["p"], case["v"].repeat(group, 1)), atol=1e-5)


@pytest.mark.parametrize("noise", KINDS)
def test_every_query_head_has_a_copy_of_its_own(case: dict[str, F64], noise: str) -> None:
    """Heads that share keys, and tokens that share everything, draw independently."""
    q = np.broadcast_to(case["q"][:1, :1], case["q"].shape)
    found = scores_of(q, case["k"], POSITIONS, CELLS, noise=noise).reshape(N_HEAD, N_TOKENS, N_KV)
    rows = found[:3].reshape(-1, N_KV)  # all for one key head
    assert len({row.tobytes() for row in rows}) == len(rows)
    noise_alone = rows - rows.mean(0)  # 15 rows: independent rows are correlated by about -1/14
    assert np.abs(np.corrcoef(noise_alone) - np.eye(len(rows))).max() < 0.35


@pytest.mark.parametrize("noise", KINDS)
def test_cells_can_lie_anywhere(case: dict[str, F64], noise: str) -> None:
    """The noise of a key or value depends on its position, and not on its cell."""
    order = np.random.default_rng(1).permutation(N_KV)
    scores = scores_of(case["q"], case["k"], POSITIONS, CELLS, noise=noise)
    moved = scores_of(case["q"], case["k"][order], POSITIONS, CELLS[order], noise=noise)
    np.testing.assert_allclose(moved, scores[..., order], atol=2e-4)
    sums = values_of(case["p"], case["v"], POSITIONS, CELLS, noise=noise)
    moved = values_of(case["p"][..., order], case["v"][order], POSITIONS, CELLS[order], noise=noise)
    np.testing.assert_allclose(moved, sums, atol=1e-4)
    shifted = scores_of(case["q"], case["k"][17:], POSITIONS, CELLS[17:], noise=noise)
    np.testing.assert_allclose(shifted, scores[..., 17:], atol=2e-4)


@pytest.mark.parametrize("noise", KINDS)
def test_an_empty_cell_changes_no_other(noise: str) -> None:
    """Wherever it is: cells that hold consecutive positions are computed in a faster way."""
    n = 128
    q, k = vectors(1, 64)[:, None], vectors(n, 64, 1)[:, None]
    at, cells = np.array([n]), np.arange(n)
    full = scores_of(q, k, at, cells, noise=noise)[0, 0]
    for empty in range(1, n):
        holes = np.where(cells == empty, -1, cells)
        found = scores_of(q, k, at, holes, noise=noise)[0, 0]
        np.testing.assert_array_equal(np.delete(found, empty), np.delete(full, empty))

        p = weights(n, 1.0)[None, None]
        p[..., empty] = 0
        np.testing.assert_array_equal(values_of(p, k, at, holes, noise=noise), values_of(p, k, at, cells, noise=noise))


@pytest.mark.parametrize("noise", KINDS)
def test_threads_and_batches_change_nothing(case: dict[str, F64], noise: str) -> None:
    scores = scores_of(case["q"], case["k"], POSITIONS, CELLS, noise=noise)
    sums = values_of(case["p"], case["v"], POSITIONS, CELLS, noise=noise)
    for n_threads in (2, 3, 4):
        again = scores_of(case["q"], case["k"], POSITIONS, CELLS, noise=noise, n_threads=n_threads)
        assert again.tobytes() == scores.tobytes()
        again = values_of(case["p"], case["v"], POSITIONS, CELLS, noise=noise, n_threads=n_threads)
        np.testing.assert_allclose(again, sums, atol=1e-5)
    for it in range(N_TOKENS):
        one = slice(it, it + 1)
        alone = scores_of(case["q"][one], case["k"], POSITIONS[one], CELLS, noise=noise)
        np.testing.assert_allclose(alone, scores[:, one], atol=1e-5)
        alone = values_of(case["p"][:, one], case["v"], POSITIONS[one], CELLS, noise=noise)
        np.testing.assert_allclose(alone, sums[:, one], atol=1e-5)


@pytest.mark.parametrize("noise", KINDS)
def test_the_sink_stays(case: dict[str, F64], noise: str) -> None:
    scores = scores_of(case["q"], case["k"], POSITIONS, CELLS, noise=noise, sink=20)
    sober = _core.attend_scores(case["q"], case["k"], 0.0, 5, POSITIONS, CELLS)
    np.testing.assert_array_equal(scores[..., :20], sober[..., :20])
    assert (scores[..., 20:] != sober[..., 20:]).mean() > 0.99
    p = np.zeros_like(case["p"])
    p[..., 3] = 1
    sober = _core.attend_values(p, case["v"], False, 0.0, 5, POSITIONS, CELLS)
    np.testing.assert_array_equal(values_of(p, case["v"], POSITIONS, CELLS, noise=noise, sink=20), sober)


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("n_kv", [1, 5, 64, 300, 1111])
def test_values_can_lie_transposed(n_kv: int, noise: str) -> None:
    rng = np.random.default_rng(2)
    p, v = rng.random((2, 3, n_kv)) / n_kv, rng.standard_normal((n_kv, 1, 80))
    arguments = (THETA, 5, np.arange(3) + n_kv, np.arange(n_kv))
    rows = _core.attend_values(p, v, False, *arguments, noise=noise)
    columns = _core.attend_values(p, v.transpose(1, 2, 0), True, *arguments, noise=noise)
    np.testing.assert_allclose(columns, rows, atol=1e-5)


@pytest.mark.parametrize(("kind", "error"), [("f16", 2e-3), ("bf16", 2e-2), ("q8_0", 3e-2), ("q4_0", 0.35)])
def test_caches_of_other_types(kind: str, error: float) -> None:
    """A cache that rounds gives the result for rounded keys and values, which is close to the exact one."""
    rng = np.random.default_rng(3)
    q, k = rng.standard_normal((2, 2, 64)), rng.standard_normal((70, 1, 64))
    arguments = (THETA, 5, np.arange(2) + 70, np.arange(70))
    exact, rounded = (_core.attend_scores(q, k, *arguments, cache_type=name) for name in ("f32", kind))
    assert np.abs(exact - rounded).max() < 8 * error
    p = rng.random((2, 2, 70)) / 35
    exact, rounded = (_core.attend_values(p, k, False, *arguments, cache_type=name) for name in ("f32", kind))
    assert 0 < np.abs(exact - rounded).max() < error


def test_everything_named_changes_the_noise() -> None:
    q, k = vectors(1, 16)[:, None], vectors(3, 16)[:, None]
    seen = set()
    for theta, seed, position, layer in [(0.5, 5, 9, 0), (0.5, 6, 9, 0), (0.5, 5, 10, 0), (0.5, 5, 9, 1)]:
        seen.add(_core.attend_scores(q, k, theta, seed, [position], [0, 1, 2], layer).tobytes())
        seen.add(_core.attend_values(np.ones((1, 1, 3)), k, False, theta, seed, [position], [0, 1, 2], layer).tobytes())
    assert len(seen) == 8


@pytest.mark.parametrize("bad", [0.0, 1e-30, 1e15])
@pytest.mark.parametrize("noise", KINDS)
def test_tiny_huge_and_empty_vectors_stay_finite(bad: float, noise: str) -> None:
    k = vectors(70, 64)[:, None]
    k[7] *= bad
    q = vectors(2, 64, 1)[:, None]
    readers = (1.0, 5, [80, 81], np.arange(70))
    assert np.isfinite(_core.attend_scores(q, k, *readers, noise=noise)).all()
    assert np.isfinite(_core.attend_values(np.ones((1, 2, 70)), k, False, *readers, noise=noise)).all()
    np.testing.assert_array_equal(_core.attend_scores(0 * q, k, *readers, noise=noise), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": -1.0}, "theta is -1"),
        ({"theta": float("inf")}, "theta is inf"),
        ({"layer": 1024}, "layer is 1024"),
        ({"n_threads": 0}, "n_threads is 0"),
        ({"noise": "pink"}, "unknown noise 'pink'"),
        ({"cache_type": "f99"}, "unknown type 'f99'"),
        ({"cache_type": "q8_0"}, "d must be a multiple of 32"),
        ({"positions": [1, 2, 3]}, "one position per token"),
        ({"q": np.zeros((1, 3, 8))}, "n_head a multiple of n_head_kv"),
    ],
)
def test_bad_arguments(change: dict[str, object], message: str) -> None:
    vectors = {"q": np.ones((1, 4, 8)), "k": np.ones((2, 2, 8))}
    good = {**vectors, "theta": 0.1, "seed": 1, "positions": [5], "cells": [0, 1]}
    with pytest.raises(ValueError, match=message):
        _core.attend_scores(**{**good, **change})  # type: ignore[arg-type]


def test_the_sites_are_known() -> None:
    assert SITES == ("H", "Q", "K", "V", "A", "pK", "pV", "M")
