"""How the positions of a cache were computed."""

from __future__ import annotations

from collections.abc import Container
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Computed(IntEnum):
    """How a position was computed; each way rounds differently."""

    TOGETHER = 0  # in a batch with others
    ALONE = 1  # in a batch of its own
    REPEATABLY = 2  # so that its batch does not matter


class PositionFlags:
    """How each position of a sequence was computed.

    Flags at or above a sequence's length belong to tokens that are gone, so every query takes that length.
    """

    def __init__(self, n_ctx: int) -> None:
        self._flags: npt.NDArray[np.int8] = np.zeros(n_ctx, dtype=np.int8)

    def mark(self, start: int, stop: int, how: Computed) -> None:
        """Note how positions ``start`` to ``stop - 1`` were computed."""
        self._flags[start:stop] = how

    def n_first(self, n_tokens: int, ways: Container[Computed]) -> int:
        """Return how many of the first ``n_tokens`` positions, counted from the start, were computed in these ways."""
        allowed = [how for how in Computed if how in ways]
        others = np.flatnonzero(~np.isin(self._flags[:n_tokens], allowed))
        return int(others[0]) if len(others) else n_tokens

    def save(self, n_tokens: int) -> npt.NDArray[np.int8]:
        """Return a copy of the first ``n_tokens`` flags, int8 (n_tokens,)."""
        return self._flags[:n_tokens].copy()

    def load(self, flags: npt.NDArray[np.int8]) -> None:
        """Restore what :meth:`save` returned."""
        self._flags[:] = Computed.TOGETHER
        self._flags[: len(flags)] = flags
