from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drugs_cpp.doses.profile import MODES, DoseProfile, ProfilePoint, as_profile
from drugs_cpp.errors import DoseError

VALLEY = ({"depth": 0.25, "peakratio": 1.0}, {"depth": 0.5, "peakratio": 0.2}, {"depth": 0.75, "peakratio": 0.6})


def ratios(profile: DoseProfile, n_layer: int) -> list[float]:
    return [profile.ratio(layer / n_layer) for layer in range(n_layer)]


# computed by hand: the layers of 8 are at 0, 1/8, ... 7/8
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("interpolate", [1.0, 1.0, 1.0, 0.6, 0.2, 0.4, 0.6, 0.6]),
        ("ceil", [1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.6, 0.6]),
        ("floor", [1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.6, 0.6]),
    ],
)
def test_modes_give_the_ratios_computed_by_hand(mode: str, expected: list[float]) -> None:
    assert ratios(DoseProfile(VALLEY, mode), 8) == pytest.approx(expected, abs=1e-15)


def test_interpolation_agrees_with_numpy() -> None:
    rng = np.random.default_rng(1)
    depths, peaks = rng.uniform(-0.3, 1.3, 7), rng.uniform(0, 2, 7)
    points = [{"depth": d, "peakratio": p} for d, p in zip(depths, peaks)]
    order = np.argsort(depths)
    expected = np.interp(np.arange(50) / 50, depths[order], peaks[order])
    assert ratios(DoseProfile(points), 50) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("mode", MODES)
def test_layers_outside_the_points_get_the_nearest_points_ratio(mode: str) -> None:
    profile = DoseProfile(VALLEY, mode)
    assert profile.ratio(0.0) == profile.ratio(0.25) == 1.0
    assert profile.ratio(0.75) == profile.ratio(0.99) == 0.6


@pytest.mark.parametrize("mode", MODES)
def test_one_point_holds_everywhere(mode: str) -> None:
    assert ratios(DoseProfile([{"depth": 0.4, "peakratio": 0.3}], mode), 5) == [0.3] * 5


def test_points_outside_the_model_pull_on_its_layers() -> None:
    profile = DoseProfile([{"depth": -1, "peakratio": 0}, {"depth": 2, "peakratio": 3}])
    assert ratios(profile, 2) == pytest.approx([1.0, 1.5])


def test_points_as_far_apart_as_numbers_go() -> None:
    profile = DoseProfile([{"depth": -1.7e308, "peakratio": 0.2}, {"depth": 1.7e308, "peakratio": 0.6}])
    assert profile.ratio(0) == pytest.approx(0.4)
    assert profile.ratio(1e308) == pytest.approx(0.2 + 0.4 * (2.7 / 3.4))


def test_points_may_come_in_any_order() -> None:
    assert DoseProfile(tuple(reversed(VALLEY)), "ceil") == DoseProfile(VALLEY, "ceil")


# two points at one depth make a step; equal depths keep their order
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("interpolate", [0.0, 0.05, 0.1, 0.95, 1.0]),
        ("ceil", [0.0, 0.1, 0.1, 1.0, 1.0]),
        ("floor", [0.0, 0.0, 0.0, 0.9, 1.0]),
    ],
)
def test_a_step(mode: str, expected: list[float]) -> None:
    steps = [(0.0, 0.0), (0.5, 0.1), (0.5, 0.9), (1.0, 1.0)]
    profile = DoseProfile([ProfilePoint(*step) for step in steps], mode)
    assert [profile.ratio(depth) for depth in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected)


def test_interpolation_stays_between_its_neighbours() -> None:
    profile = DoseProfile([{"depth": 0, "peakratio": 0.1}, {"depth": 1, "peakratio": 0.1}])
    assert set(ratios(profile, 1000)) == {0.1}


def test_a_profile_is_a_value() -> None:
    profile = DoseProfile(VALLEY, "floor")
    assert DoseProfile(**profile.to_dict()) == profile
    assert eval(repr(profile)) == profile
    assert hash(DoseProfile(VALLEY, "floor")) == hash(profile)
    assert profile != DoseProfile(VALLEY, "ceil")
    with pytest.raises(AttributeError):
        profile.mode = "ceil"  # type: ignore[misc]


def test_as_profile_keeps_the_mode_of_a_profile_unless_told_otherwise() -> None:
    floor = DoseProfile(VALLEY, "floor")
    assert as_profile(floor) is floor
    assert as_profile(floor, "ceil") == DoseProfile(VALLEY, "ceil")
    assert as_profile(VALLEY) == DoseProfile(VALLEY, "interpolate")
    assert as_profile(None) is None


@pytest.mark.parametrize("mode", ["Ceil", "", "linear", 1, ["ceil"]])
def test_unknown_modes(mode: Any) -> None:
    with pytest.raises(DoseError, match="interpolate, ceil, floor"):
        DoseProfile(VALLEY, mode)


@pytest.mark.parametrize("points", [(), [], None, 3, "abc", {"depth": 0, "peakratio": 1}, ["abc"], [None], [(0, 1)]])
def test_what_is_no_profile(points: Any) -> None:
    with pytest.raises(DoseError, match="profile"):
        DoseProfile(points)


@pytest.mark.parametrize(
    "point",
    [
        {"depth": 0.5},
        {"peakratio": 0.5},
        {"depth": 0.5, "peakratio": 1, "mode": "ceil"},
        {"depth": 0.5, "peak_ratio": 1},
        *({"depth": bad, "peakratio": 1} for bad in (math.nan, math.inf, -math.inf, "0.5", None, True, 10**400)),
        *({"depth": 0.5, "peakratio": bad} for bad in (math.nan, math.inf, -0.1, "1", None, False, 1j)),
    ],
)
def test_malformed_points_are_named(point: Any) -> None:
    with pytest.raises(DoseError) as caught:
        DoseProfile([{"depth": 0, "peakratio": 1}, point])
    assert repr(point) in str(caught.value)
