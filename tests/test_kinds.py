"""Kinds of angle and turn: rows against numpy and scipy, keys and values against ones that are turned one by one."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from drugs_cpp import DRUGS, SITES, DoseError, _core
from support import brute_force, philox

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

LENGTHS = [2, 3, 16, 63, 64, 65, 200, 1536]
ANGLES = ["uniform", "half-normal", "fixed"]
THETA = 0.6
N_DRAWS = 20_000


@functools.cache  # every kind turns the same rows
def rows(d: int, n: int = 8000, scale: float = 3.0) -> F32:
    x = (scale * np.random.default_rng(d).standard_normal((n, 1, d))).astype(np.float32)
    x.flags.writeable = False
    return x


def turned(x: F32, theta: float = THETA, **kinds: Any) -> F64:
    y = _core.rotate(x, theta, 7, np.arange(len(x)), 3, "A", 2, **kinds)
    return np.asarray(y[:, 0], np.float64)


def length(x: npt.NDArray[Any]) -> F64:
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", x, x, dtype=np.float64)))


def angle_between(x: F64, y: F64) -> F64:
    chord = length(x / length(x)[:, None] - y / length(y)[:, None])
    return np.asarray(2 * np.arcsin(np.minimum(chord / 2, 1)))


def check_angles(found: F64, kind: str, theta: float = THETA) -> None:
    if kind == "fixed":
        np.testing.assert_allclose(found, theta, rtol=1e-5)
    elif kind == "half-normal":
        assert stats.kstest(found, stats.halfnorm(scale=theta * np.sqrt(np.pi / 8)).cdf).pvalue > 1e-3
    else:
        assert stats.kstest(found, "uniform", args=(0, theta)).pvalue > 1e-3
    if kind != "fixed":
        assert found.mean() == pytest.approx(theta / 2, abs=5 * found.std() / np.sqrt(len(found)))


def alike(found: npt.NDArray[Any], drawn: F64) -> bool:
    """Whether both can be samples of the same distribution, which may have atoms; about 500 pairs are compared here."""
    return bool(stats.ks_2samp(np.round(found.astype(np.float64), 4), np.round(drawn, 4)).pvalue > 1e-4)


def check_isotropic(direction: F64, axis: F64) -> None:
    """A coordinate t of a uniform point on the sphere in d dimensions: (t + 1)/2 ~ Beta((d-1)/2, (d-1)/2)."""
    half = (direction.shape[1] - 1) / 2
    t = (direction * axis).sum(1) / length(axis)
    assert stats.kstest((t + 1) / 2, stats.beta(half, half).cdf).pvalue > 1e-3


#
# rows
#


@pytest.mark.parametrize("d", LENGTHS)
@pytest.mark.parametrize("angle", ANGLES)
def test_rotations_by_each_kind_of_angle(angle: str, d: int) -> None:
    x = rows(d)
    y = turned(x, angle=angle)
    np.testing.assert_allclose(length(y), length(x[:, 0]), rtol=3e-6)
    check_angles(angle_between(np.asarray(x[:, 0], np.float64), y), angle)


@pytest.mark.parametrize("d", LENGTHS)
@pytest.mark.parametrize("angle", ANGLES)
def test_what_is_added(angle: str, d: int) -> None:
    x = rows(d)
    added = turned(x, angle=angle, turn="addition") - x[:, 0]
    check_angles(length(added) / length(x[:, 0]), angle)
    direction = added / length(added)[:, None]
    check_isotropic(direction, np.asarray(x[:, 0], np.float64))
    check_isotropic(direction, np.eye(d)[[d // 2]])


@pytest.mark.parametrize("d", LENGTHS)
@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("theta", [0.3, 2.0])
def test_nlerp_is_an_addition_at_the_old_length(theta: float, angle: str, d: int) -> None:
    x = rows(d)
    before = length(x)
    added, kept = (turned(x, theta, angle=angle, turn=turn) for turn in ("addition", "nlerp"))
    scale = before / length(added)[:, None]
    assert (np.abs(length(kept)[:, None] / before - 1) < 1e-5 * np.maximum(scale, 1) ** 2).all()
    error = 1e-5 * before * np.maximum(scale, 1) ** 2  # where little is left, rounding has a larger share
    assert (np.abs(kept - added * scale) <= error).all()


@pytest.mark.parametrize("turn", ["addition", "nlerp"])
@pytest.mark.parametrize("noise", ["isotropic", "reference"])
@pytest.mark.parametrize("d", [3, 64])
def test_turns_are_distributed_as_calculated(d: int, noise: str, turn: str) -> None:
    one = np.random.default_rng(1).standard_normal(d) + 0.3
    x = np.broadcast_to(one.astype(np.float32), (N_DRAWS, 1, d)).copy()
    drawn = brute_force.turn(one, THETA, noise, np.random.default_rng(2), N_DRAWS, kind=turn)
    found = turned(x, noise=noise, turn=turn)
    for axis in (one, np.ones(d), np.eye(d)[0]):
        assert alike(found @ axis, drawn @ axis)
    assert alike(length(found - x[:, 0]), length(drawn - one))


@pytest.mark.parametrize("d", [2, 64, 200])
def test_what_is_added_equals_an_independent_calculation(d: int) -> None:
    x = rows(d, 5)
    y = turned(x, 1.1, turn="addition")
    for position, row in enumerate(x[:, 0].astype(np.float64)):
        place = (7, position, 3, SITES.index("A"), 0)
        g = philox.numbers(d, *place)
        wanted = row + 1.1 * philox.share(*place) * np.linalg.norm(row) * g / np.linalg.norm(g)
        np.testing.assert_allclose(y[position], wanted, atol=3e-6 * float(np.linalg.norm(row)))


@pytest.mark.parametrize("d", LENGTHS)
def test_elementwise_numbers_are_uniform(d: int) -> None:
    x = rows(d, 200_000 // d)
    added = (turned(x, THETA, turn="elementwise") - x[:, 0]).ravel() / THETA
    assert stats.kstest(added, "uniform").statistic < 0.005
    assert added.min() > -1e-5
    assert added.max() < 1 + 1e-5
    bad = x.copy()
    bad[:, :, 0] = np.nan
    assert np.isfinite(turned(bad, turn="elementwise")[:, 1:]).all()


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e-18, 1e18, 1e36])
@pytest.mark.parametrize("turn", ["addition", "nlerp"])
def test_tiny_and_huge_rows(turn: str, scale: float) -> None:
    x = rows(64, 50)
    small = (x.astype(np.float64) * scale).astype(np.float32)
    with np.errstate(over="ignore"):
        y, wanted = turned(small, turn=turn), turned(x, turn=turn) * scale
    np.testing.assert_allclose(y, wanted, rtol=1e-3, atol=max(1e-5 * scale, 3e-45))


@pytest.mark.parametrize(
    "kinds", [{"turn": "addition"}, {"turn": "nlerp"}, {"angle": "fixed"}, {"turn": "elementwise"}]
)
def test_no_dose_gives_the_same_bits(kinds: dict[str, str]) -> None:
    x = rows(64, 20)
    np.testing.assert_array_equal(turned(x, 0.0, **kinds), x[:, 0])


def test_opposite_directions_are_no_division_by_zero() -> None:
    """r = 1 against the vector leaves nothing: with two numbers, this nearly happens now and then."""
    x = rows(2, 200_000)
    assert np.isfinite(turned(x, 1.0, turn="nlerp", angle="fixed")).all()


#
# keys and values
#


def vectors(n: int, d: int, seed: int = 0) -> F64:
    return np.asarray(np.random.default_rng(seed).standard_normal((n, d)) + 0.2)


TURNS_OF_CACHED = [
    (angle, turn)
    for angle in ANGLES
    for turn in ("rotation", "addition", "nlerp")
    if (angle, turn) != ("uniform", "rotation")
]


@pytest.mark.parametrize("d", [2, 3, 4, 16, 64, 128])
@pytest.mark.parametrize(("angle", "turn"), TURNS_OF_CACHED)
def test_scores_are_distributed_as_with_turned_keys(angle: str, turn: str, d: int) -> None:
    q, k = vectors(1, d)[0], vectors(4, d, 1)
    drawn = brute_force.scores(q, k, 0.8, "isotropic", np.random.default_rng(2), N_DRAWS, angle=angle, kind=turn)
    asked = np.broadcast_to(q, (N_DRAWS, 1, d))
    positions = np.arange(N_DRAWS) + 100
    found = _core.attend_scores(asked, k[:, None], 0.8, 5, positions, np.arange(4), angle=angle, turn=turn)[0]
    for key in range(len(k)):
        assert alike(found[:, key], drawn[:, key])


@pytest.mark.parametrize("angle", ["half-normal", "fixed"])
def test_reference_scores_by_each_kind_of_angle(angle: str) -> None:
    q, k = vectors(1, 64)[0], vectors(4, 64, 1)
    drawn = brute_force.scores(q, k, 0.8, "reference", np.random.default_rng(2), N_DRAWS, angle=angle)
    asked = np.broadcast_to(q, (N_DRAWS, 1, 64))
    positions = np.arange(N_DRAWS) + 100
    found = _core.attend_scores(asked, k[:, None], 0.8, 5, positions, np.arange(4), noise="reference", angle=angle)[0]
    for key in range(len(k)):
        assert stats.ks_2samp(found[:, key], drawn[:, key]).statistic < 0.025


def sums(p: F64, v: F64, theta: float = 0.8, **kinds: Any) -> F64:
    n = N_DRAWS
    weights = np.broadcast_to(p, (1, n, len(p)))
    found = _core.attend_values(weights, v[:, None], False, theta, 5, np.arange(n) + 100, np.arange(len(v)), **kinds)
    return np.asarray(found[0], np.float64)


@pytest.mark.parametrize("d", [2, 3, 16, 64])
@pytest.mark.parametrize(("angle", "turn"), TURNS_OF_CACHED)
def test_a_single_value_is_turned_exactly(angle: str, turn: str, d: int) -> None:
    v = vectors(1, d)
    drawn = brute_force.values(
        np.ones(1), v, 0.8, "isotropic", np.random.default_rng(2), N_DRAWS, angle=angle, kind=turn
    )
    found = sums(np.ones(1), v, angle=angle, turn=turn)
    if turn != "addition":
        np.testing.assert_allclose(length(found), np.linalg.norm(v), rtol=1e-4)
    for axis in (v[0], np.eye(d)[0], vectors(1, d, 5)[0]):
        if d > 2 or axis is v[0] or turn == "addition":
            assert alike(found @ axis, drawn @ axis)
    assert alike(length(found - v), length(drawn - v))


@pytest.mark.parametrize("peaked", [0.0, 1.5, 5.0])
@pytest.mark.parametrize("d", [16, 64])
@pytest.mark.parametrize(("angle", "turn"), TURNS_OF_CACHED)
def test_sums_have_the_moments_of_turned_values(angle: str, turn: str, d: int, peaked: float) -> None:
    p = np.exp(peaked * np.random.default_rng(4).standard_normal(40))
    p /= p.sum()
    v = vectors(40, d)
    rng = np.random.default_rng(2)
    drawn = brute_force.values(p, v, 0.8, "isotropic", rng, N_DRAWS // 2, angle=angle, kind=turn)
    found = sums(p, v, angle=angle, turn=turn)
    error = np.sqrt(drawn.var(0) / len(drawn) + found.var(0) / len(found))
    assert (np.abs(found.mean(0) - drawn.mean(0)) < 4.5 * error).all()
    assert np.trace(np.cov(found.T)) / np.trace(np.cov(drawn.T)) == pytest.approx(1, abs=0.03)
    for direction in (p @ v, v[p.argmax()], np.ones(d), vectors(1, d, 9)[0]):
        ratio = np.var(found @ direction) / np.var(drawn @ direction)
        assert ratio == pytest.approx(1, abs=0.2 if d < 64 else 0.12)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("turn", ["addition", "nlerp"])
def test_threads_and_order_of_cells_change_nothing(turn: str, transposed: bool) -> None:
    v = np.random.default_rng(0).standard_normal((300, 2, 48)).astype(np.float32)
    p = np.random.default_rng(1).uniform(0, 1, (6, 5, 300)).astype(np.float32)
    cells, positions = np.arange(300), np.arange(5) + 300
    shape = v.transpose(1, 2, 0) if transposed else v

    def values(n_threads: int, **more: Any) -> F32:
        return _core.attend_values(p, shape, transposed, 0.8, 5, positions, cells, 0, 6, n_threads, turn=turn, **more)

    np.testing.assert_array_equal(values(1), values(3))
    plain = _core.attend_values(p, v, False, 0.8, 5, positions, cells, 0, 6, turn=turn)
    np.testing.assert_allclose(values(1), plain, rtol=2e-4, atol=2e-4)
    order = np.random.default_rng(3).permutation(300)
    mixed = _core.attend_values(p[:, :, order], v[order], False, 0.8, 5, positions, cells[order], 0, 6, turn=turn)
    np.testing.assert_allclose(mixed, plain, rtol=2e-4, atol=2e-3)


#
# which kinds can be combined
#


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"A": 0.1, "angle": "normal"}, "unknown angle 'normal': the kinds are uniform, half-normal, fixed"),
        ({"A": 0.1, "turn": "slerp"}, "unknown turn 'slerp': the kinds are rotation, addition, nlerp, elementwise"),
        ({"A": 0.1, "turn": ["rotation"]}, "unknown turn"),
        ({"A": 0.1, "turn": "elementwise", "angle": "fixed"}, "leave noise and angle out"),
        ({"A": 0.1, "turn": "elementwise", "noise": "reference"}, "leave noise and angle out"),
        ({"K": 0.1, "turn": "elementwise"}, "not possible at K and V: dose pK and pV instead"),
        ({"V": 0.1, "turn": "nlerp", "noise": "reference"}, "not possible at K and V with noise"),
        ({"A": 0.1, "apart": -1}, "apart is -1"),
        ({"A": 0.1, "apart": 1.5}, "apart is 1.5"),
        ({"A": 0.1, "apart": True}, "apart is True"),
        ({"A": 0.1, "apart": 2, "noise": "reference"}, "apart has directions of its own"),
        ({"A": 0.1, "apart": 2, "turn": "elementwise"}, "apart has directions of its own"),
        ({"V": 0.1, "apart": 2}, "which draw no directions: dose pK and pV instead"),
    ],
)
def test_kinds_that_are_none_or_do_not_go_together(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(DoseError, match=says):
        DRUGS(**arguments)
    with pytest.raises(DoseError, match=says):
        DRUGS(arguments)


def test_a_setter_refuses_likewise_and_changes_nothing() -> None:
    drugs = DRUGS(K=0.1)
    with pytest.raises(DoseError):
        drugs.turn = "elementwise"
    assert drugs.turn == "rotation"
    drugs.angle = "fixed"
    assert drugs.to_dict() == {"K": 0.1, "noise": "isotropic", "seed": None, "angle": "fixed"}
    assert drugs.copy() == drugs


@pytest.mark.parametrize("site", SITES)
def test_all_that_goes_together_is_taken(site: str) -> None:
    for turn in ("rotation", "addition", "nlerp"):
        for angle in ANGLES:
            assert DRUGS({site: 0.1, "turn": turn, "angle": angle}).turn == turn
