"""What the independent model needs from an array library, so that the same code works with PyTorch and numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

#: the library's own type. Code uses only what numpy and PyTorch have in common: operators, indices, ``reshape``, and
#: ``sum`` and ``mean`` with ``axis`` and ``keepdims``
Array = Any


class Arrays(Protocol):
    """A library, and its random numbers."""

    #: the module, which has ``cos``, ``stack``, ``concatenate``, ``broadcast_to`` and the like
    xp: Any

    def uniform(self, shape: Sequence[int]) -> Array:
        """Draw numbers from Uniform(0, 1), float32."""
        ...

    def normal(self, shape: Sequence[int]) -> Array:
        """Draw numbers from the standard normal distribution, float32."""
        ...

    def softmax(self, x: Array) -> Array:
        """Compute it over the last axis."""
        ...

    def silu(self, x: Array) -> Array: ...

    def to_numpy(self, x: Array) -> npt.NDArray[Any]: ...


class NumpyArrays:
    """:class:`Arrays` with numpy."""

    xp: Any = np

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)

    def uniform(self, shape: Sequence[int]) -> Array:
        return self._random.random(tuple(shape), dtype=np.float32)

    def normal(self, shape: Sequence[int]) -> Array:
        return self._random.standard_normal(tuple(shape), dtype=np.float32)

    def softmax(self, x: Array) -> Array:
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def silu(self, x: Array) -> Array:
        return x / (1 + np.exp(-x))

    def to_numpy(self, x: Array) -> npt.NDArray[Any]:
        return np.asarray(x)
