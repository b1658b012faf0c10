"""The rotation in PyTorch, from the mathematics: d random numbers for every vector, each time it is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.fidelity.protocol import SINK


def rotate(x: torch.Tensor, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Turn each vector by an angle towards a random direction.

    y = cos(theta) x + sin(theta) |x| u/|u|, where u = g - (g.x / x.x) x is the part of g that is orthogonal to x.

    Args:
        x: vectors (..., d), none of them zero.
        theta: angles in radians (..., 1).
        g: random numbers (..., d).
    """
    u = g - _dot(g, x) / _dot(x, x) * x
    return theta.cos() * x + theta.sin() * (_dot(x, x) / _dot(u, u)).sqrt() * u


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum(-1, keepdim=True)


class RandomTurn:
    """Turns the vectors of one site, in a batch whose rows have largest angles of their own.

    The model shows it the vectors of every site, (n_rows, ..., d), at every forward pass. The cached keys and values
    of the sites K and V have positions in their last axis but one.
    """

    def __init__(self, site: str, noise: str, largest: Sequence[float], generator: torch.Generator) -> None:
        """Take the largest angles of the rows in radians, (n_rows)."""
        self._site = site
        self._draw = {"isotropic": torch.randn, "reference": torch.rand}[noise]
        self._largest = torch.tensor(largest)
        self._generator = generator

    def __call__(self, site: str, x: torch.Tensor) -> torch.Tensor:
        if site != self._site:
            return x
        if site in ("K", "V"):
            return torch.cat([x[..., :SINK, :], self._turn(x[..., SINK:, :])], dim=-2)
        return self._turn(x)

    def _turn(self, x: torch.Tensor) -> torch.Tensor:
        largest = self._largest.view(-1, *[1] * (x.dim() - 1))
        theta = largest * torch.rand((*x.shape[:-1], 1), generator=self._generator)
        return rotate(x, theta, self._draw(x.shape, generator=self._generator))


def sober(site: str, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG001  (takes what RandomTurn takes)
    """Turn nothing."""
    return x
