"""PyTorch for the independent model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch.nn.functional import silu


class TorchArrays:
    """:class:`~benchmarks.fidelity.arrays.Arrays` with PyTorch."""

    xp: Any = torch

    def __init__(self, seed: int = 1) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def uniform(self, shape: Sequence[int]) -> torch.Tensor:
        return torch.rand(tuple(shape), generator=self._generator)

    def normal(self, shape: Sequence[int]) -> torch.Tensor:
        return torch.randn(tuple(shape), generator=self._generator)

    def softmax(self, x: torch.Tensor) -> torch.Tensor:
        return x.softmax(-1)

    def silu(self, x: torch.Tensor) -> torch.Tensor:
        return silu(x)

    def to_numpy(self, x: torch.Tensor) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = x.numpy()
        return array
