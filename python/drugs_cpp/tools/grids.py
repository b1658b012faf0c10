"""Types of arguments that are lists: names, angles, sampler options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import DrugsError
from drugs_cpp.study.grid import MOST_VALUES
from drugs_cpp.study.sweep_plan import check_sampler


def names(text: str, known: Sequence[str]) -> list[str]:
    """Type of an argument: names with commas or spaces between them."""
    found = text.replace(",", " ").split()
    for name in found:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of them: give {', '.join(known)}")
    return found


def sites(text: str) -> list[str]:
    """Type of an argument: names of sites."""
    return names(text, SITES)


def angles(text: str) -> list[float]:
    """Type of an argument: ``0.1:2.2:22``, or ``0.1,0.3,0.7``."""
    try:
        if ":" not in text:
            return [float(part) for part in text.replace(",", " ").split()]
        first, last, n = text.split(":")
        if not 1 <= int(n) <= MOST_VALUES:
            raise ValueError
        step = (float(last) - float(first)) / max(1, int(n) - 1)
        return [round(float(first) + step * i, 6) for i in range(int(n))]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give FROM:TO:N, such as 0.1:2.2:22, or radians, which `drugs-lab titrate` finds for an effect"
        ) from None


def sampler(text: str) -> dict[str, float]:
    """Type of an argument: ``temperature=0.8,min_p=0.1``."""
    options: dict[str, float] = {}
    for part in text.replace(",", " ").split():
        name, _, number = part.partition("=")
        try:
            options[name] = float(number)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r}: give NAME=NUMBER, such as temperature=0.8") from None
    try:
        check_sampler(options)
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return options
