"""Profiles that dose only a band of layers."""

from __future__ import annotations

from drugs_cpp.doses.profile import CEIL, DoseProfile

#: a part of the depth in which no model has two layers
_EDGE = 1e-6


def band_profile(first: float, last: float) -> DoseProfile:
    """Return a profile with the full dose from ``first`` to before ``last``; 0 is the first layer, 1 the end."""
    points = [(first - 2 * _EDGE, 0.0), (first - _EDGE, 1.0), (last - 2 * _EDGE, 1.0), (last - _EDGE, 0.0)]
    return DoseProfile([{"depth": depth, "peakratio": ratio} for depth, ratio in points], CEIL)
