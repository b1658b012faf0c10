"""Checks of the numbers that people give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from drugs_cpp.errors import CountError, DoseError


def check_finite(what: str, value: object) -> float:
    """Return ``value`` as a float.

    Raises:
        DoseError: not a number (a bool is none), NaN or infinite.
    """
    number = _as_float(value)
    if not math.isfinite(number):
        raise DoseError(f"{what} is {value!r}: give a finite number")
    return number


def check_not_negative(what: str, value: object) -> float:
    """Return ``value`` as a float.

    Raises:
        DoseError: not a number (a bool is none), NaN, infinite or below zero.
    """
    number = _as_float(value)
    if not (math.isfinite(number) and number >= 0):
        raise DoseError(f"{what} is {value!r}: give a finite number, zero or more")
    return abs(number)  # -0.0 is zero


def check_list(what: str, values: Sequence[Any], n: int) -> list[Any]:
    """Return ``values`` as a list.

    Raises:
        CountError: not ``n`` of them.
        TypeError: text.
    """
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{what} is {values!r}: give a list")
    if len(values) != n:
        raise CountError(f"{what} has {len(values)} entries for n={n} variations: give as many, or leave n out")
    return list(values)


def _as_float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
