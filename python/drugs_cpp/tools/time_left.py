"""How long something will still take."""

from __future__ import annotations


def time_left(n_done: int, n_all: int, seconds: float) -> str:
    """``, 2 min 10 s left``; nothing where that is not known yet."""
    if not 0 < n_done < n_all:
        return ""
    left = round(seconds * (n_all - n_done) / n_done)
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f", {shown} left"
