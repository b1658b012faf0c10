"""The ops on their own: against numpy, and against this system."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from support import philox

#: largest differences, as shares of a vector's length
FROM_NUMPY, FROM_HERE = 3e-6, 1e-5


def read(output: str) -> list[dict[str, Any]]:
    """Return what ``turned-vectors`` has printed."""
    return [json.loads(line) for line in output.splitlines()]


def from_numpy(found: list[dict[str, Any]]) -> float:
    """Return how far rows are from the same calculation in float64, at most, as a share of their length."""
    return max(_row(one) for one in found if one["op"] == "rows")


def _row(one: dict[str, Any]) -> float:
    x = np.array(one["x"], np.float64)
    place = (one["seed"], one["position"], one["layer"], one["site"], one["head"])
    return _difference(np.array(one["y"]), philox.rotate(x, one["angle"], *place))


def from_here(found: list[dict[str, Any]], here: list[dict[str, Any]]) -> float:
    """Return how far results are from those of this system, at most, as a share of the length of the result."""
    if [sorted(one) for one in found] != [sorted(one) for one in here]:
        raise ValueError("the two programs are not the same")
    return max(_difference(np.array(a["y"]), np.array(b["y"])) for a, b in zip(found, here))


def _difference(a: Any, b: Any) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
