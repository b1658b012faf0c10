"""The arithmetic of doses in C++, which the programs share, compared with a numpy version written for this test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drugs_cpp import SITES, _core

Points = list[tuple[float, float]]

MODES = ("interpolate", "ceil", "floor")

# a few values are drawn often, so that depths coincide and layers fall on points
depths = st.one_of(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0]), st.floats(-3, 3))
ratios = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 10))
points = st.lists(st.tuples(depths, ratios), min_size=1, max_size=6)


def by_numpy(points: Points, mode: str, depth: float) -> float:
    """With arrays and a search instead of a loop: point i is the first one at this depth or deeper."""
    table = np.array(points)[np.argsort([depth for depth, _ in points], kind="stable")]
    i = int(np.searchsorted(table[:, 0], depth))
    if i == 0 or depth >= table[-1, 0]:
        return float(table[0 if i == 0 else -1, 1])
    (low, low_ratio), (high, high_ratio) = table[i - 1], table[i]
    between = {
        "ceil": np.maximum(low_ratio, high_ratio),
        "floor": np.minimum(low_ratio, high_ratio),
        "interpolate": low_ratio + (depth - low) / (high - low) * (high_ratio - low_ratio),
    }
    return float(between[mode])


@given(points, st.sampled_from(MODES), depths)
def test_ratios_agree_with_numpy_to_the_last_bit(points: Points, mode: str, depth: float) -> None:
    assert _core.profile_ratio(points, mode, depth) == by_numpy(points, mode, depth)


@given(
    st.lists(st.floats(0, 3), min_size=len(SITES), max_size=len(SITES)),
    st.dictionaries(st.integers(0, len(SITES) - 1), st.tuples(points, st.sampled_from(MODES)), max_size=3),
    st.floats(0, 5),
    st.integers(1, 40),
)
def test_tables_agree_with_numpy_to_the_last_bit(
    thetas: list[float], profiles: dict[int, tuple[Points, str]], multiplier: float, n_layer: int
) -> None:
    table = _core.dose_table(thetas, profiles, multiplier, n_layer)
    expected: npt.NDArray[np.float64] = np.ones((n_layer, len(SITES)))
    for site, (of_site, mode) in profiles.items():
        expected[:, site] = [by_numpy(of_site, mode, depth) for depth in np.arange(n_layer) / n_layer]
    expected = multiplier * np.array(thetas) * expected
    assert table.dtype == np.float32
    assert table.shape == (n_layer, len(SITES))
    assert table.tobytes() == expected.astype(np.float32).tobytes()


@pytest.mark.parametrize(
    ("points", "mode", "message"),
    [
        ([], "floor", "no points"),
        ([(0.0, 1.0)], "linear", "interpolate, ceil, floor"),
        ([(0.0, 1.0), (math.nan, 1.0)], "ceil", "depth .* nan"),
        ([(math.inf, 1.0)], "ceil", "depth .* inf"),
        ([(0.0, -0.5)], "ceil", "ratio .* -0.5"),
        ([(0.0, math.inf)], "ceil", "ratio .* inf"),
    ],
)
def test_profiles_that_cannot_be(points: Points, mode: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.profile_ratio(points, mode, 0.5)
    with pytest.raises(ValueError, match=message):
        _core.dose_table([0.1] * len(SITES), {4: (points, mode)}, 1.0, 3)


ANGLES: list[float] = [0.1] * len(SITES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ANGLES[1:], {}, 1.0, 3), "7 angles"),
        ((ANGLES, {8: ([(0.0, 1.0)], "floor")}, 1.0, 3), "no site 8"),
        ((ANGLES, {-1: ([(0.0, 1.0)], "floor")}, 1.0, 3), "no site -1"),
        (([*ANGLES[1:], math.nan], {}, 1.0, 3), "M .* nan"),
        (([-0.5, *ANGLES[1:]], {}, 1.0, 3), "H .* -0.5"),
        ((ANGLES, {}, -1.0, 3), "multiplier is -1"),
        ((ANGLES, {}, 1.0, 0), "n_layer is 0"),
    ],
)
def test_tables_that_cannot_be(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.dose_table(*arguments)
