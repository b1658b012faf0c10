"""What holds for every refusal."""

from __future__ import annotations


def check_refusal(error: Exception) -> None:
    """It says something that can be printed."""
    assert str(error).encode("utf-8")
