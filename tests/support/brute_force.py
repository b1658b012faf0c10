"""Keys and values turned one by one, with d random numbers for each: the reference for the model's shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

#: numbers that are turned at a time: few enough for a processor's cache, since memory would set the pace otherwise
AT_A_TIME = 60_000


def angles(theta_max: float, angle: str, rng: np.random.Generator, shape: tuple[int, ...]) -> F64:
    """Angles drawn from the distribution of a kind."""
    if angle == "fixed":
        return np.full(shape, theta_max)
    if angle == "half-normal":
        return np.asarray(np.abs(rng.standard_normal(shape)) * theta_max * np.sqrt(np.pi / 8))
    return rng.uniform(0, theta_max, shape)


def turn(
    x: F64,
    theta_max: float,
    noise: str,
    rng: np.random.Generator,
    n: int,
    angle: str = "uniform",
    kind: str = "rotation",
) -> F64:
    """``n`` independent turns of each row of x (..., d): float64 (n, ..., d)."""
    return np.concatenate(list(_turns(x, theta_max, noise, rng, n, angle, kind)))


def _turns(
    x: F64,
    theta_max: float,
    noise: str,
    rng: np.random.Generator,
    n: int,
    angle: str = "uniform",
    kind: str = "rotation",
) -> Iterator[F64]:
    """The same in parts."""
    draw: Callable[[tuple[int, ...]], F64] = rng.standard_normal if noise == "isotropic" else rng.random
    all_angles = angles(theta_max, angle, rng, (n, *x.shape[:-1], 1))
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    for theta in np.array_split(all_angles, -(-n * x.size // AT_A_TIME)):
        g = draw((len(theta), *x.shape))
        if kind == "rotation":
            g -= (g * x).sum(-1, keepdims=True) / (x * x).sum(-1, keepdims=True) * x
            g /= np.linalg.norm(g, axis=-1, keepdims=True)
            yield np.cos(theta) * x + np.sin(theta) * length * g
            continue
        added = x + theta * length * g / np.linalg.norm(g, axis=-1, keepdims=True)
        if kind == "nlerp":
            added *= length / np.linalg.norm(added, axis=-1, keepdims=True)
        yield added


def scores(q: F64, k: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int, **kinds: str) -> F64:
    """``n`` draws of q.k' for a query (d,) and keys (n_kv, d): float64 (n, n_kv)."""
    return np.concatenate([part @ q for part in _turns(k, theta_max, noise, rng, n, **kinds)])


def values(p: F64, v: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int, **kinds: str) -> F64:
    """``n`` draws of the sum of p_j v'_j for weights (n_kv,) and values (n_kv, d): float64 (n, d)."""
    return np.concatenate([p @ part for part in _turns(v, theta_max, noise, rng, n, **kinds)])
