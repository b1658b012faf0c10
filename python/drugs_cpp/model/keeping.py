"""Keeps a model alive while a text is still being generated."""

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
    """Wrap a generator so that its model, which is closed when nothing refers to it, lives until the text ends."""
    return (yield from text)
