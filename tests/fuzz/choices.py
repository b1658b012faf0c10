"""The choices encoded in an input, byte by byte; after its end, every byte is 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads choices from bytes.

    Args:
        data: any bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._data)

    def take(self, n: int) -> bytes:
        """The next bytes, as many as there are."""
        part = self._data[self._at : self._at + n]
        self._at += n
        return part

    def below(self, n: int) -> int:
        """A number from 0 to ``n - 1``, from two bytes."""
        return int.from_bytes(self.take(2), "little") % n

    def one_of(self, values: Sequence[T]) -> T:
        return values[int.from_bytes(self.take(1), "little") % len(values)]
