"""What the mathematics do to a vector, and where the model shows its vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.protocol import SINK, Dose, Settings

#: the model shows queries under this name before RoPE, and again as "Q" after it
Q_BEFORE_ROPE = "Q before RoPE"

#: |n| times this, n a standard normal, has the mean 1/2
HALF_NORMAL = math.sqrt(math.pi / 8)


class Place(NamedTuple):
    """Where the model shows vectors: (n_rows, ..., d), or (n_rows, d) if there is one head."""

    site: str
    layer: int
    position: int
    first_head: int = 0  # number of the first of the heads between the rows and d


class Numbers(Protocol):
    """A source of random numbers."""

    def draw(self, place: Place, shape: Sequence[int]) -> tuple[Array, Array]:
        """Draw numbers for vectors (n_rows, ..., d): angles as shares of the dose (n_rows, ..., 1), and directions.

        Args:
            place: where the vectors are; its layer and position are those to which the numbers belong, which can be the
                same for several layers or positions.
            shape: of the vectors.
        """
        ...


class Noise:
    """Turns the vectors of one site, in a batch whose rows have their own largest angles.

    The model shows it the vectors of every site in every forward pass. In the cached keys and values of sites K and V,
    positions are the second to last axis.
    """

    def __init__(
        self,
        dose: Dose,
        largest: Sequence[float],
        n_before: int,
        numbers: Numbers,
        arrays: Arrays,
    ) -> None:
        """Set the largest angles of the rows in radians, (n_rows), and the position at which a course begins."""
        self._site = Q_BEFORE_ROPE if (dose.site, dose.noise) == ("Q", "reference") else dose.site
        self._settings = dose.settings
        self._largest = arrays.xp.asarray(largest, dtype=arrays.xp.float32)
        self._n_before = n_before
        self._numbers = numbers
        self._arrays = arrays

    def __call__(self, place: Place, x: Array) -> Array:
        if place.site != self._site or place.position < SINK:
            return x
        if place.site in ("K", "V"):
            return self._arrays.xp.concatenate([x[..., :SINK, :], self._turn(place, x[..., SINK:, :])], axis=-2)
        return self._turn(place, x)

    def _turn(self, place: Place, x: Array) -> Array:
        settings = self._settings
        ratio = settings.ratio(place.position - self._n_before)
        largest = ratio * self._largest.reshape(-1, *[1] * (x.ndim - 1))
        time = settings.times(place.position)
        layer = 0 if settings.layers == "shared" else place.layer
        share, g = self._numbers.draw(place._replace(layer=layer, position=time), x.shape)
        if settings.turn == "elementwise":
            return x + largest * g
        return turn(self._arrays, x, largest * share, g, settings.turn)


def turn(arrays: Arrays, x: Array, theta: Array, g: Array, kind: str = "rotation") -> Array:
    """Turn each vector by an angle in a random direction.

    rotation: y = cos(theta) x + sin(theta) |x| u/|u|, where u = g - (g.x / x.x) x is the part of g orthogonal to x.
    addition: y = x + theta |x| g/|g|.
    nlerp: the same, scaled back to the length of x.

    Args:
        arrays: the library of the arrays.
        x: vectors (..., d), none of them zero.
        theta: angles in radians (..., 1).
        g: random numbers (..., d).
        kind: one of these three.
    """
    xp = arrays.xp
    if kind == "rotation":
        u = g - _dot(g, x) / _dot(x, x) * x
        return xp.cos(theta) * x + xp.sin(theta) * xp.sqrt(_dot(x, x) / _dot(u, u)) * u
    y = x + theta * xp.sqrt(_dot(x, x) / _dot(g, g)) * g
    return y if kind == "addition" else y * xp.sqrt(_dot(x, x) / _dot(y, y))


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-1, keepdims=True)


class FreshNumbers:
    """:class:`Numbers` that cannot be reproduced: d for every vector, each time that it is shown.

    If numbers stay the same for several positions or layers, they are kept while the model is at one position.
    """

    def __init__(self, noise: str, settings: Settings, arrays: Arrays) -> None:
        if settings.apart is not None:
            raise ValueError("directions that keep apart are drawn by SeededNumbers")
        uniform = noise == "reference" or settings.turn == "elementwise"
        self._draw = arrays.uniform if uniform else arrays.normal
        self._angle = settings.angle
        self._stay = settings.hold != 1 or settings.layers == "shared"
        self._kept: dict[int, tuple[Array, Array]] = {}  # by layer
        self._position = -1
        self._arrays = arrays

    def draw(self, place: Place, shape: Sequence[int]) -> tuple[Array, Array]:
        if not self._stay:
            return self._fresh(shape)
        if place.position != self._position:
            self._kept = {}
            self._position = place.position
        kept = self._kept.get(place.layer)
        if kept is None:
            kept = self._fresh(shape)
        elif place.site in ("K", "V") and kept[1].shape[-2] < shape[-2]:  # positions that are new in the cache
            new = self._fresh((*shape[:-2], shape[-2] - kept[1].shape[-2], shape[-1]))
            share, g = (self._arrays.xp.concatenate(pair, axis=-2) for pair in zip(kept, new))
            kept = share, g
        self._kept[place.layer] = kept
        return kept

    def _fresh(self, shape: Sequence[int]) -> tuple[Array, Array]:
        return self._shares((*shape[:-1], 1)), self._draw(shape)

    def _shares(self, shape: Sequence[int]) -> Array:
        if self._angle == "half-normal":
            return HALF_NORMAL * abs(self._arrays.normal(shape))
        share = self._arrays.uniform(shape)
        return share if self._angle == "uniform" else self._arrays.xp.ones_like(share)


def sober(place: Place, x: Array) -> Array:  # noqa: ARG001  (takes what Noise takes)
    """Turn nothing."""
    return x
