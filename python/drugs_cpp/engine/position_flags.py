"""What is remembered of each position of the cache."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class PositionFlags:
    """One flag per cache position of a sequence.

    Flags at or above a sequence's length are leftovers of tokens that are gone, so every question names that length.
    """

    def __init__(self, n_ctx: int) -> None:
        self._flags: npt.NDArray[np.bool_] = np.zeros(n_ctx, dtype=np.bool_)

    def mark(self, start: int, stop: int, flag: bool) -> None:
        """Set the flags of positions ``start`` to ``stop - 1``."""
        self._flags[start:stop] = flag

    def clear(self) -> None:
        """Forget everything: the cache is empty."""
        self._flags[:] = False

    def count(self, n_tokens: int) -> int:
        """Number of flagged positions among the first ``n_tokens``."""
        return int(np.count_nonzero(self._flags[:n_tokens]))

    def first(self, n_tokens: int) -> int | None:
        """The first flagged position below ``n_tokens``, or None if there is none."""
        flags = self._flags[:n_tokens]
        first = int(flags.argmax()) if n_tokens else 0
        return first if n_tokens and flags[first] else None

    def save(self, n_tokens: int) -> npt.NDArray[np.bool_]:
        """A copy of the first ``n_tokens`` flags, bool (n_tokens,)."""
        return self._flags[:n_tokens].copy()

    def load(self, flags: npt.NDArray[np.bool_]) -> None:
        """Take over flags from :meth:`save`."""
        self.clear()
        self._flags[: len(flags)] = flags
