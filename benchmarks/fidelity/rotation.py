"""The rotation from the mathematics: d random numbers for every vector, each time it is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.protocol import SINK


def rotate(arrays: Arrays, x: Array, theta: Array, g: Array) -> Array:
    """Turn each vector by an angle towards a random direction.

    y = cos(theta) x + sin(theta) |x| u/|u|, where u = g - (g.x / x.x) x is the part of g that is orthogonal to x.

    Args:
        arrays: whose arrays these are.
        x: vectors (..., d), none of them zero.
        theta: angles in radians (..., 1).
        g: random numbers (..., d).
    """
    xp = arrays.xp
    u = g - _dot(g, x) / _dot(x, x) * x
    return xp.cos(theta) * x + xp.sin(theta) * xp.sqrt(_dot(x, x) / _dot(u, u)) * u


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-1, keepdims=True)


class RandomTurn:
    """Turns the vectors of one site, in a batch whose rows have largest angles of their own.

    The model shows it the vectors of every site, (n_rows, ..., d), at every forward pass. The cached keys and values
    of the sites K and V have positions in their last axis but one.
    """

    def __init__(self, site: str, noise: str, largest: Sequence[float], arrays: Arrays) -> None:
        """Take the largest angles of the rows in radians, (n_rows)."""
        self._site = site
        self._draw = {"isotropic": arrays.normal, "reference": arrays.uniform}[noise]
        self._largest = arrays.xp.asarray(largest, dtype=arrays.xp.float32)
        self._arrays = arrays

    def __call__(self, site: str, x: Array) -> Array:
        if site != self._site:
            return x
        if site in ("K", "V"):
            return self._arrays.xp.concatenate([x[..., :SINK, :], self._turn(x[..., SINK:, :])], axis=-2)
        return self._turn(x)

    def _turn(self, x: Array) -> Array:
        largest = self._largest.reshape(-1, *[1] * (x.ndim - 1))
        theta = largest * self._arrays.uniform((*x.shape[:-1], 1))
        return rotate(self._arrays, x, theta, self._draw(x.shape))


def sober(site: str, x: Array) -> Array:  # noqa: ARG001  (takes what RandomTurn takes)
    """Turn nothing."""
    return x
