"""How doses rise and fall with the tokens of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Union

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_not_negative, whole_number
from drugs_cpp.doses.profile import INTERPOLATE, MAX_POINTS, check_mode
from drugs_cpp.errors import DoseError

_MOST = 2**31 - 2


class CoursePoint(NamedTuple):
    """The share of all doses that a token gets.

    Attributes:
        token: its number, counted from the first new token of an answer, which is 0.
        ratio: factor on the doses, finite, 0 or more.
    """

    token: int
    ratio: float


@dataclass(frozen=True)
class Course:
    """Points and a mode: the share of all doses that each new token gets.

    Args:
        points: 1 to 1000 of ``{"token": ..., "ratio": ...}``, in any order; kept sorted by token.
        mode: what a token between two points gets: "interpolate" (on the straight line from one to the other), "ceil"
            (the larger ratio) or "floor" (the smaller).

    Raises:
        DoseError: an unknown mode, no points, more than 1000, a malformed one, or two at one token.
    """

    points: tuple[CoursePoint, ...]
    mode: str = INTERPOLATE

    def __init__(self, points: Iterable[CoursePoint | Mapping[str, float]], mode: str = INTERPOLATE) -> None:
        object.__setattr__(self, "points", _check_points(points))
        object.__setattr__(self, "mode", check_mode(mode))

    @property
    def peak(self) -> float:
        """The largest ratio that any token can get."""
        return max(point.ratio for point in self.points)

    def ratio(self, token: int) -> float:
        """The ratio at a token. Before the first point and after the last one, that point's ratio holds."""
        return _core.profile_ratio(self.points, self.mode, token)

    @property
    def straight_points(self) -> list[tuple[int, float]]:
        """The course as (token, ratio) points with straight lines between them, whatever the mode."""
        return _core.course_points(self.points, self.mode)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: ``{"points": [{"token": ..., "ratio": ...}, ...], "mode": ...}``."""
        return {"points": [point._asdict() for point in self.points], "mode": self.mode}


#: what is accepted as a course: a Course, or its points, with or without a mode; None for the full dose all the time
CourseLike = Union[Course, Iterable[Any], Mapping[str, Any], None]


def as_course(given: object) -> Course | None:
    """Read a course in any of the forms of ``CourseLike``.

    Raises:
        DoseError: not a course.
    """
    if given is None or isinstance(given, Course):
        return given
    if isinstance(given, Mapping):
        for name in given:
            if name not in ("points", "mode"):
                raise DoseError(f"course: unknown name {name!r}; the names are points, mode")
        return Course(given.get("points", ()), given.get("mode", INTERPOLATE))
    if isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[1], str):
        return Course(given[0], given[1])
    return Course(given)  # type: ignore[arg-type]  # checked there


def _check_points(points: object) -> tuple[CoursePoint, ...]:
    if isinstance(points, (str, bytes, Mapping)) or not isinstance(points, Iterable):
        raise DoseError(f'{points!r} is not a course: give points, such as [{{"token": 0, "ratio": 1}}, ...]')
    given = list(islice(points, MAX_POINTS + 1))
    if not given:
        raise DoseError("an empty course: give at least one point, or None for the full dose all the time")
    if len(given) > MAX_POINTS:
        raise DoseError(f"a course of more than {MAX_POINTS} points: give {MAX_POINTS} at most")
    checked = sorted(map(_check_point, given), key=lambda point: point.token)
    for before, after in zip(checked, checked[1:]):
        if before.token == after.token:
            raise DoseError(f"token {after.token} is in the course twice")
    return tuple(checked)


def _check_point(point: object) -> CoursePoint:
    values = point._asdict() if isinstance(point, CoursePoint) else point
    if not isinstance(values, Mapping) or set(values) != set(CoursePoint._fields):
        raise DoseError(f'{point!r} is not a point of a course: it needs "token" and "ratio", and nothing else')
    token = whole_number(values["token"], 0, _MOST)
    if token is None:
        raise DoseError(f'"token" of {point!r}: give a whole number, 0 or more')
    return CoursePoint(token, check_not_negative(f'"ratio" of {point!r}', values["ratio"]))
