"""A text that is still being written keeps its model."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Yielded = TypeVar("Yielded")
Sent = TypeVar("Sent")
Returned = TypeVar("Returned")


def keeping(
    model: Any,  # noqa: ARG001  # the generator's frame keeps it
    text: Generator[Yielded, Sent, Returned],
) -> Generator[Yielded, Sent, Returned]:
    """Pass a generator on. A model that nobody names any more is closed, and has to live until its text ends."""
    return (yield from text)
