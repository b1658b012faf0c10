"""Philox4x32-10 and the rotation in plain Python and float64, from the paper and the formulas."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_MASK = 0xFFFFFFFF


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


def _uniform(word: int) -> float:
    return (word >> 1) * 2.0**-31 + 2.0**-32


def _normals(w0: int, w1: int) -> tuple[float, float]:
    """Box and Muller, the angle in quarters of a circle around the nearest axis."""
    signed = ((w1 << 2) & _MASK) - (1 << 32 if (w1 << 2) & 0x80000000 else 0)
    angle = math.pi / 2 * ((w1 >> 30) + signed * 2.0**-32)
    radius = math.sqrt(-2 * math.log(_uniform(w0)))
    return radius * math.cos(angle), radius * math.sin(angle)


def numbers(d: int, seed: int, position: int, layer: int, site: int, head: int) -> npt.NDArray[np.float64]:
    """The normals of a row, following the header random-rotate-math.h section by section."""
    g = np.empty(-(-d // 64) * 64)
    for group in range(len(g) // 64):
        for lane in range(16):
            w = _words(1 + 16 * group + lane, seed, position, layer, site, head)
            g[64 * group + lane :: 16][:4] = *_normals(w[0], w[1]), *_normals(w[2], w[3])
    return g[:d]


def share(seed: int, position: int, layer: int, site: int, head: int) -> float:
    """The angle's share of the dose: Uniform(0, 1)."""
    return _uniform(_words(0, seed, position, layer, site, head)[0])


def _words(index: int, seed: int, position: int, layer: int, site: int, head: int) -> tuple[int, int, int, int]:
    return philox4x32((index, head | layer << 18 | site << 28, position, 0), (seed, 0))


def rotate(
    x: npt.NDArray[np.float64], theta_max: float, seed: int, position: int, layer: int, site: int, head: int
) -> npt.NDArray[np.float64]:
    """Rotate one row."""
    theta = theta_max * share(seed, position, layer, site, head)
    g = numbers(len(x), seed, position, layer, site, head)
    u = g - (g @ x) / (x @ x) * x
    u /= np.linalg.norm(u)
    return np.asarray(np.cos(theta) * x + np.sin(theta) * np.linalg.norm(x) * u)
