"""The engine's own random numbers, from their description: Philox, and the counter of each number of each vector.

Written in numpy and float64 from the paper and the comments in csrc/kernel/math, without using any of its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.protocol import F64, Settings
from benchmarks.fidelity.rotation import HALF_NORMAL, Q_BEFORE_ROPE, Place
from drugs_cpp import SITES

Words = npt.NDArray[np.uint64]

_MASK = np.uint64(0xFFFFFFFF)
_BITS = np.uint64(32)

#: meaning of the fourth word of a counter
_ROW, _APART_ANGLE, _APART = 0, 6, 7


def philox(counter: Sequence[Words], key: Words) -> tuple[Words, ...]:
    """Philox4x32-10 with the key (key, 0). Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3."""
    c0, c1, c2, c3 = np.broadcast_arrays(*counter)
    k0, k1 = key, np.zeros_like(key)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> _BITS) ^ c1 ^ k0, p1 & _MASK, (p0 >> _BITS) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & _MASK, (k1 + np.uint64(0xBB67AE85)) & _MASK
    return c0, c1, c2, c3


class SeededNumbers:
    """:class:`~benchmarks.fidelity.rotation.Numbers` of the engine for rows of seeds, except at K and V.

    There the engine does not draw d numbers for each vector.
    """

    def __init__(self, seeds: Sequence[int], noise: str, settings: Settings, arrays: Arrays) -> None:
        """Set the seeds of the rows."""
        self._seeds = np.array(seeds, np.uint64).reshape(-1, 1, 1)
        self._settings = settings
        self._uniform = noise == "reference" or settings.turn == "elementwise"
        self._arrays = arrays

    def draw(self, place: Place, shape: Sequence[int]) -> tuple[Array, Array]:
        n_heads, d = int(np.prod(shape[1:-1])), shape[-1]
        site = "Q" if place.site == Q_BEFORE_ROPE else place.site
        heads = place.first_head + np.arange(n_heads)
        places = (heads | place.layer << 18 | SITES.index(site) << 28).astype(np.uint64)[:, None]

        apart = self._settings.apart
        if apart is None:
            words = self._words(_ROW, np.array([0]), places, place.position)
            g = self._row(_ROW, places, place.position, d)
        else:
            words = self._words(_APART_ANGLE, np.array([apart]), places, place.position)
            g = self._direction(apart, places, place.position, d)
        share = _shares(self._settings.angle, _uniforms(words[0]))
        xp = self._arrays.xp
        return (
            xp.asarray(share.astype(np.float32)).reshape(*shape[:-1], 1),
            xp.asarray(g.astype(np.float32)).reshape(*shape),
        )

    def _words(self, what_for: int, first: npt.NDArray[np.int64], places: Words, time: int) -> tuple[Words, ...]:
        """Return four words of each counter, each (n_rows, n_heads, n_counters)."""
        return philox((first.astype(np.uint64), places, np.uint64(time), np.uint64(what_for)), self._seeds)  # type: ignore[arg-type]

    def _row_words(self, what_for: int, places: Words, time: int, d: int) -> tuple[Words, ...]:
        """Return the words of counters 1, 2, ...: 16 counters have the words for 64 numbers."""
        return self._words(what_for, np.arange(1, 1 + 16 * -(-d // 64)), places, time)

    def _row(self, what_for: int, places: Words, time: int, d: int) -> F64:
        """Return the numbers of rows, (n_rows, n_heads, d): standard normals or from Uniform(0, 1)."""
        w = self._row_words(what_for, places, time, d)
        if self._uniform:
            return _in_order([_uniforms(word) for word in w], d)
        return _in_order([*_normals(w[0], w[1]), *_normals(w[2], w[3])], d)

    def _direction(self, n: int, places: Words, time: int, d: int) -> F64:
        """Return direction n > 0 of the mutually orthogonal ones: random signs on a row of an orthogonal matrix."""
        block, row = divmod(n - 1, d)
        words = self._row_words(_APART + block, places, time, d)
        signs = _in_order([1.0 - 2.0 * (word >> np.uint64(31)).astype(np.float64) for word in words], d)
        return signs * _orthogonal_row(row, d)


def _in_order(numbers: Sequence[F64], d: int) -> F64:
    """Return numbers from each of the four words of counters, (..., 16 n): number i is from word i % 64 // 16."""
    blocks = [x.reshape(*x.shape[:-1], -1, 16) for x in numbers]
    together = np.stack(blocks, axis=-2)
    return np.asarray(together.reshape(*together.shape[:-3], -1)[..., :d])


def _orthogonal_row(row: int, d: int) -> F64:
    """Return a row of the Kronecker product of a Hartley matrix and Sylvester's Hadamard matrix of order 2^k."""
    k = (d & -d).bit_length() - 1
    m = d >> k
    wave, row = row >> k, row % 2**k
    angles = 2 * np.pi * wave * np.arange(m) / m
    signs: F64 = np.ones(1)
    for bit in reversed(range(k)):
        signs = np.asarray(np.kron(signs, [1.0, -1.0 if row >> bit & 1 else 1.0]))
    return np.asarray(np.kron(np.cos(angles) + np.sin(angles), signs))


def _uniforms(words: Words) -> F64:
    return np.asarray((words >> np.uint64(1)).astype(np.float64) * 2.0**-31 + 2.0**-32)


def _normals(w0: Words, w1: Words) -> tuple[F64, F64]:
    """Box-Muller; the second word is an angle: a quarter of the circle, and a signed part of a quarter around it."""
    part = ((w1 << np.uint64(2)) & _MASK).astype(np.float64)
    angle = np.pi / 2 * ((w1 >> np.uint64(30)).astype(np.float64) + (part - 2.0**32 * (part >= 2.0**31)) * 2.0**-32)
    radius = np.sqrt(-2 * np.log(_uniforms(w0)))
    return radius * np.cos(angle), radius * np.sin(angle)


def _shares(angle: str, u: F64) -> F64:
    """Return the angle's share of the dose, from a number from Uniform(0, 1)."""
    if angle == "half-normal":
        below = np.vectorize(NormalDist().inv_cdf)
        return np.asarray(HALF_NORMAL * below((1 + np.minimum(u, 1 - 2.0**-27)) / 2))
    return u if angle == "uniform" else np.ones_like(u)
