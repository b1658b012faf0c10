"""Checks of the numbers that users give."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from drugs_cpp.errors import CountError, DoseError


def whole_number(value: object, least: int, most: int) -> int | None:
    """Return the value as an int if it is a whole number within these bounds, whatever its type; otherwise None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a JSON file may have it as a float
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return int(value) if is_whole and least <= value <= most else None  # type: ignore[call-overload, operator]


def check_finite(what: str, value: object) -> float:
    """Return ``value`` as a float.

    Raises:
        DoseError: not a number (a bool is not one), NaN or infinite.
    """
    number = _as_float(value)
    if not math.isfinite(number):
        raise DoseError(f"{what} is {value!r}: give a finite number")
    return number


def check_not_negative(what: str, value: object) -> float:
    """Return ``value`` as a float.

    Raises:
        DoseError: not a number (a bool is not one), NaN, infinite or below zero.
    """
    number = _as_float(value)
    if not (math.isfinite(number) and number >= 0):
        raise DoseError(f"{what} is {value!r}: give a finite number, zero or more")
    return abs(number)  # -0.0 is zero


def check_count(what: str, value: object, least: int, of: str = "tokens") -> int:
    """Return ``value`` as an int.

    Raises:
        CountError: not a whole number (a bool is not one), or below ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise CountError(f"{what} is {value!r}: it is a number of {of}, {least} or more")
    return int(value)


def check_length(what: str, values: list[Any], n: int) -> list[Any]:
    """Return ``values``.

    Raises:
        CountError: there are not ``n`` of them.
    """
    if len(values) != n:
        raise CountError(f"{what} has {len(values)} entries for n={n} variations: give as many, or leave n out")
    return values


def _as_float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
