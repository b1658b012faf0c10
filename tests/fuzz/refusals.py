"""What every refusal must satisfy."""

from __future__ import annotations


def check_refusal(error: Exception) -> None:
    """The message can be printed."""
    assert str(error).encode("utf-8")
