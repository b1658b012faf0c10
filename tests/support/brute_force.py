"""Keys and values turned one by one, with d random numbers for each: the reference for the model's shortcuts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


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
    theta = angles(theta_max, angle, rng, (n, *x.shape[:-1], 1))
    g = rng.standard_normal((n, *x.shape)) if noise == "isotropic" else rng.uniform(0, 1, (n, *x.shape))
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    if kind == "rotation":
        u = g - (g * x).sum(-1, keepdims=True) / (x * x).sum(-1, keepdims=True) * x
        u /= np.linalg.norm(u, axis=-1, keepdims=True)
        return np.asarray(np.cos(theta) * x + np.sin(theta) * length * u)
    added = x + theta * length * g / np.linalg.norm(g, axis=-1, keepdims=True)
    if kind == "nlerp":
        added *= length / np.linalg.norm(added, axis=-1, keepdims=True)
    return np.asarray(added)


def scores(q: F64, k: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int, **kinds: str) -> F64:
    """``n`` draws of q.k' for a query (d,) and keys (n_kv, d): float64 (n, n_kv)."""
    return np.asarray(turn(k, theta_max, noise, rng, n, **kinds) @ q)


def values(p: F64, v: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int, **kinds: str) -> F64:
    """``n`` draws of the sum of p_j v'_j for weights (n_kv,) and values (n_kv, d): float64 (n, d)."""
    return np.asarray((p[:, None] * turn(v, theta_max, noise, rng, n, **kinds)).sum(1))
