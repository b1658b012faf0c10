"""Keys and values turned one by one, with d random numbers for each: what the model's shortcuts stand for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def turn(x: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int) -> F64:
    """``n`` independent turns of each row of x (..., d): float64 (n, ..., d)."""
    theta = rng.uniform(0, theta_max, (n, *x.shape[:-1], 1))
    g = rng.standard_normal((n, *x.shape)) if noise == "isotropic" else rng.uniform(0, 1, (n, *x.shape))
    u = g - (g * x).sum(-1, keepdims=True) / (x * x).sum(-1, keepdims=True) * x
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    return np.asarray(np.cos(theta) * x + np.sin(theta) * np.linalg.norm(x, axis=-1, keepdims=True) * u)


def scores(q: F64, k: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int) -> F64:
    """``n`` draws of q.k' for a query (d,) and keys (n_kv, d): float64 (n, n_kv)."""
    return np.asarray(turn(k, theta_max, noise, rng, n) @ q)


def values(p: F64, v: F64, theta_max: float, noise: str, rng: np.random.Generator, n: int) -> F64:
    """``n`` draws of the sum of p_j v'_j for weights (n_kv,) and values (n_kv, d): float64 (n, d)."""
    return np.asarray((p[:, None] * turn(v, theta_max, noise, rng, n)).sum(1))
