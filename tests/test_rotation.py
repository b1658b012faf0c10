"""The rotation's mathematics: angle, norm, direction, and what the noise depends on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from drugs_cpp import SITES, _core
from support import philox

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

LENGTHS = [2, 3, 5, 16, 63, 64, 65, 128, 576]


def rows(d: int, n_tokens: int = 6000, n_head: int = 2, scale: float = 3.0) -> F32:
    rng = np.random.default_rng(d)
    return (scale * rng.standard_normal((n_tokens, n_head, d))).astype(np.float32)


def turn(x: F32, theta: float = 0.7, seed: int = 7, layer: int = 3, site: str = "A", n_threads: int = 2) -> F32:
    return _core.rotate(x, theta, seed, np.arange(len(x)), layer, site, n_threads)


def angles(x: F32, y: F32) -> F64:
    """Angle of each row, from the chord: precise where the arc cosine is not."""
    a = x / np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True)
    b = y / np.linalg.norm(y.astype(np.float64), axis=-1, keepdims=True)
    return np.asarray(2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2))


def directions(x: F32, y: F32) -> F64:
    """The part of y orthogonal to x, with length 1."""
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    u = y64 - (y64 * x64).sum(-1, keepdims=True) / (x64 * x64).sum(-1, keepdims=True) * x64
    return np.asarray(u / np.linalg.norm(u, axis=-1, keepdims=True))


@pytest.mark.parametrize("d", LENGTHS)
@pytest.mark.parametrize("theta", [0.01, 0.7, 3.0])
def test_angle_is_uniform(d: int, theta: float) -> None:
    x = rows(d)
    found = angles(x, turn(x, theta)).ravel()
    assert stats.kstest(found, "uniform", args=(0, theta)).pvalue > 1e-3
    assert found.max() <= theta * (1 + 1e-5)
    assert abs(found.mean() - theta / 2) < 5 * theta / np.sqrt(12 * found.size)
    assert abs(found.var() / (theta**2 / 12) - 1) < 0.05


@pytest.mark.parametrize("d", [*LENGTHS, 4096])
def test_norm_is_kept(d: int) -> None:
    x = rows(d, n_tokens=200)
    before, after = (np.linalg.norm(v.astype(np.float64), axis=-1) for v in (x, turn(x, 2.0)))
    np.testing.assert_allclose(after, before, rtol=2e-6)


@pytest.mark.parametrize("d", [d for d in LENGTHS if d > 2])
def test_direction_is_isotropic(d: int) -> None:
    """A coordinate t of a uniform point on the sphere in d - 1 dimensions: (t + 1)/2 ~ Beta((d-2)/2, (d-2)/2)."""
    x = rows(d)
    u = directions(x, turn(x))
    axis = directions(x, np.random.default_rng(1).standard_normal(x.shape).astype(np.float32))
    t = (u * axis).sum(-1).ravel()
    assert stats.kstest((t + 1) / 2, stats.beta((d - 2) / 2, (d - 2) / 2).cdf).pvalue > 1e-3
    assert abs(t.mean()) < 5 / np.sqrt(t.size * (d - 1))
    assert abs(t.var() * (d - 1) - 1) < 0.06


def test_direction_in_the_plane_is_a_fair_coin() -> None:
    x = rows(2)
    u = directions(x, turn(x))
    left = int((x[..., 0] * u[..., 1] - x[..., 1] * u[..., 0] > 0).sum())
    assert stats.binomtest(left, u[..., 0].size).pvalue > 1e-3


@pytest.mark.parametrize("d", [3, 8])
def test_direction_leans_nowhere(d: int) -> None:
    """For one fixed x: the mean direction is 0 and the covariance is that of the sphere orthogonal to x."""
    one = np.random.default_rng(2).standard_normal(d).astype(np.float32)
    x = np.broadcast_to(one, (40000, 1, d)).copy()
    u = directions(x, turn(x))[:, 0]
    assert np.abs(u.mean(0)).max() < 5 / np.sqrt(len(u) * (d - 1))
    projector = np.eye(d) - np.outer(one, one) / (one @ one)
    np.testing.assert_allclose(np.cov(u.T) * (d - 1), projector, atol=0.03)


def test_angle_and_direction_are_independent() -> None:
    x = rows(16, n_tokens=20000)
    y = turn(x)
    t = directions(x, y)[..., 0].ravel()
    assert stats.spearmanr(angles(x, y).ravel(), t).pvalue > 1e-3
    assert stats.spearmanr(angles(x, y).ravel(), np.abs(t)).pvalue > 1e-3


@pytest.mark.parametrize("d", [2, 3, 64, 65, 200])
def test_rows_equal_an_independent_calculation(d: int) -> None:
    x = rows(d, n_tokens=5, n_head=3)
    positions = np.array([0, 1, 77, 4095, 2**31 - 1])
    y = _core.rotate(x, 1.1, 0xDEADBEEF, positions, 12, "pV", 1)
    for token, position in enumerate(positions):
        for head in range(3):
            row = x[token, head].astype(np.float64)
            expected = philox.rotate(row, 1.1, 0xDEADBEEF, int(position), 12, SITES.index("pV"), head)
            np.testing.assert_allclose(y[token, head], expected, atol=3e-6 * float(np.linalg.norm(row)))


def test_the_independent_generator_is_philox() -> None:
    """Known answers published with Random123."""
    ones = 0xFFFFFFFF
    assert philox.philox4x32((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    assert philox.philox4x32((ones,) * 4, (ones,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@pytest.mark.parametrize("d", [1, 2, 3, 64])
def test_no_angle_gives_the_same_bits(d: int) -> None:
    x = rows(d, n_tokens=20)
    assert turn(x, 0.0).tobytes() == x.tobytes()


def test_one_number_has_nowhere_to_turn() -> None:
    x = rows(1, n_tokens=20)
    assert turn(x, 3.0).tobytes() == x.tobytes()


def test_zero_stays_zero() -> None:
    assert not turn(np.zeros((4, 2, 65), np.float32)).any()


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e-18, 1e18, 1e36])
def test_tiny_and_huge_rows(scale: float) -> None:
    """A rotation commutes with scaling, as far as float32 allows."""
    x = rows(65, n_tokens=50, scale=1.0)
    small = (x * np.float64(scale)).astype(np.float32)
    y = turn(small).astype(np.float64) / scale
    assert np.isfinite(y).all()
    precision = max(1e-5, 3e-45 / scale)
    np.testing.assert_allclose(y, turn(x), atol=4 * precision)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_row_stays_alone(bad: float) -> None:
    x = rows(64, n_tokens=3)
    clean = turn(x)
    x[1, 0, 5] = bad
    y = turn(x)
    assert not np.isfinite(y[1, 0]).all()
    y[1, 0] = clean[1, 0]
    assert y.tobytes() == clean.tobytes()


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_threads_change_nothing(n_threads: int) -> None:
    x = rows(64, n_tokens=37, n_head=3)
    assert turn(x, n_threads=n_threads).tobytes() == turn(x, n_threads=3).tobytes()


def test_a_batch_split_changes_nothing() -> None:
    x = rows(65, n_tokens=30, n_head=3)
    whole = turn(x)
    for first, last in [(0, 1), (1, 12), (12, 30)]:
        part = _core.rotate(x[first:last], 0.7, 7, np.arange(first, last), 3, "A")
        assert part.tobytes() == whole[first:last].tobytes()


def test_strides_change_nothing() -> None:
    x = rows(64, n_tokens=10, n_head=4)
    wanted = turn(x).tobytes()
    by_head = np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)
    by_number = np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0)
    padded = np.zeros((10, 6, 80), np.float32)
    padded[:, 1:5, 8:72] = x
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    for view in (by_head, by_number, padded[:, 1:5, 8:72], backwards):
        assert turn(view).tobytes() == wanted


def test_everything_named_changes_the_noise() -> None:
    row = rows(64, n_tokens=1, n_head=1)
    x = np.broadcast_to(row, (2, 2, 64)).copy()
    seen = {_core.rotate(x, 0.7, 7, np.array([4, 5]), 3, "A")[i, j].tobytes() for i in (0, 1) for j in (0, 1)}
    assert len(seen) == 4  # position, head
    for seed, layer, site in [(8, 3, "A"), (7, 4, "A"), *((7, 3, site) for site in SITES if site != "A")]:
        y = _core.rotate(x, 0.7, seed, np.array([4, 5]), layer, site)
        seen |= {y[i, j].tobytes() for i in (0, 1) for j in (0, 1)}
    assert len(seen) == 4 * (3 + len(SITES) - 1)


def test_neighbours_are_not_correlated() -> None:
    """Directions of neighbouring positions, layers, sites, heads and seeds are independent."""
    x = np.broadcast_to(rows(64, 1, 1), (4000, 2, 64)).copy()
    base = directions(x, turn(x))
    others = {
        "position": base[1:, 0],
        "head": base[:, 1],
        "seed": directions(x, turn(x, seed=8))[:, 0],
        "layer": directions(x, turn(x, layer=4))[:, 0],
        "site": directions(x, turn(x, site="pK"))[:, 0],
    }
    for what, other in others.items():
        t = (base[: len(other), 0] * other).sum(-1)
        assert abs(t.mean()) < 5 / np.sqrt(len(t) * 63), what


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"site": "B"}, "unknown site 'B'"),
        ({"theta": -1.0}, "theta is -1"),
        ({"theta": float("nan")}, "theta is nan"),
        ({"layer": 1024}, "layer is 1024"),
        ({"layer": -1}, "layer is -1"),
        ({"n_threads": 0}, "n_threads is 0"),
        ({"x": np.zeros((2, 3), np.float32)}, r"shape \(2, 3\)"),
        ({"x": np.zeros((0, 3, 4), np.float32)}, "not empty"),
        ({"positions": np.arange(5)}, "positions has 5"),
    ],
)
def test_bad_arguments(change: dict[str, object], message: str) -> None:
    good = {"x": rows(8, 2, 1), "theta": 0.1, "seed": 1, "positions": np.arange(2), "layer": 0, "site": "A"}
    with pytest.raises(ValueError, match=message):
        _core.rotate(**{**good, **change})  # type: ignore[arg-type]
