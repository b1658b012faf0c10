"""How a dose depends on depth: a few points, and how the layers between them are filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Union

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_finite, check_not_negative
from drugs_cpp.errors import DoseError

INTERPOLATE, CEIL, FLOOR = "interpolate", "ceil", "floor"

MODES = (INTERPOLATE, CEIL, FLOOR)

#: points of a profile: more than any model has layers
MAX_POINTS = 1000


class ProfilePoint(NamedTuple):
    """The share of the dose that a depth gets.

    Attributes:
        depth: 0 is the first layer; layer i of n lies at i / n. Any finite number: points outside 0 to 1 are never
            reached, but still affect the layers next to them.
        peakratio: factor on the dose, finite, 0 or more.
    """

    depth: float
    peakratio: float


#: what is accepted as a profile's points
Points = Iterable[Union[ProfilePoint, Mapping[str, float]]]


@dataclass(frozen=True)
class DoseProfile:
    """Points and a mode: the share of a dose that each layer gets.

    Args:
        points: 1 to 1000 of ``{"depth": ..., "peakratio": ...}``, in any order; kept sorted by depth, and in the given
            order if depths are equal.
        mode: what a layer between two points gets: "interpolate" (on the straight line from one to the other),
            "ceil" (the larger ratio) or "floor" (the smaller).

    Raises:
        DoseError: an unknown mode, no points, more than 1000, or a malformed one.
    """

    points: tuple[ProfilePoint, ...]
    mode: str = INTERPOLATE

    def __init__(self, points: Points, mode: str = INTERPOLATE) -> None:
        object.__setattr__(self, "points", _check_points(points))
        object.__setattr__(self, "mode", check_mode(mode))

    @property
    def peak(self) -> float:
        """The largest ratio that any depth can get."""
        return max(point.peakratio for point in self.points)

    def ratio(self, depth: float) -> float:
        """The ratio at a depth. Before the first point and after the last one, that point's ratio holds."""
        return _core.profile_ratio(self.points, self.mode, depth)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: ``{"points": [{"depth": ..., "peakratio": ...}, ...], "mode": ...}``."""
        return {"points": [point._asdict() for point in self.points], "mode": self.mode}


#: what is accepted as a shape: a profile, its points, or None for the full dose at every depth
Shape = Union[DoseProfile, Points, None]


def as_profile(shape: object, mode: str | None = None) -> DoseProfile | None:
    """Read a shape in any of its accepted forms.

    Args:
        shape: a :class:`DoseProfile`, its points, or None for the full dose at every depth.
        mode: of the profile; None keeps that of a :class:`DoseProfile`, and means "interpolate" for points.

    Raises:
        DoseError: not a profile.
    """
    if mode is not None:
        check_mode(mode)
    if shape is None:
        return None
    if isinstance(shape, DoseProfile):
        return shape if mode is None else DoseProfile(shape.points, mode)
    return DoseProfile(shape, INTERPOLATE if mode is None else mode)  # type: ignore[arg-type]  # checked there


def check_mode(mode: object) -> str:
    """Return ``mode`` if there is such a mode; otherwise raise a DoseError that lists them."""
    if isinstance(mode, str) and mode in MODES:
        return mode
    raise DoseError(f"unknown mode {mode!r}: the modes are {', '.join(MODES)}")


def _check_points(points: object) -> tuple[ProfilePoint, ...]:
    if isinstance(points, (str, bytes, Mapping)) or not isinstance(points, Iterable):
        raise DoseError(f'{points!r} is not a profile: give points, such as [{{"depth": 0.3, "peakratio": 0}}, ...]')
    given = list(islice(points, MAX_POINTS + 1))
    if not given:
        raise DoseError("an empty profile: give at least one point, or None for the full dose at every depth")
    if len(given) > MAX_POINTS:
        raise DoseError(f"a profile of more than {MAX_POINTS} points: give {MAX_POINTS} at most")
    return tuple(sorted(map(_check_point, given), key=lambda point: point.depth))


def _check_point(point: object) -> ProfilePoint:
    values = point._asdict() if isinstance(point, ProfilePoint) else point
    if not isinstance(values, Mapping) or set(values) != set(ProfilePoint._fields):
        raise DoseError(f'{point!r} is not a point of a profile: it needs "depth" and "peakratio", and nothing else')
    depth = check_finite(f'"depth" of {point!r}', values["depth"])
    return ProfilePoint(depth, check_not_negative(f'"peakratio" of {point!r}', values["peakratio"]))
