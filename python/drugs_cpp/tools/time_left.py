"""How far something has progressed, and how long it will still take."""

from __future__ import annotations

_WIDTH = 24  # columns


def bar(n_done: int, n_all: int, seconds: float, what: str) -> str:
    """Return ``[######......] 1,234 of 2,640 runs, 2 min 10 s left``.

    Args:
        n_done, n_all: number done, and number of all.
        seconds: since the start.
        what: what is counted.
    """
    filled = _WIDTH * n_done // max(n_all, 1)
    return (
        f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {n_done:,} of {n_all:,} {what}{time_left(n_done, n_all, seconds)}"
    )


def time_left(n_done: int, n_all: int, seconds: float) -> str:
    """Return ``, 2 min 10 s left``, or nothing if that is not known yet."""
    if not 0 < n_done < n_all:
        return ""
    return f", {duration(seconds * (n_all - n_done) / n_done)} left"


def duration(seconds: float) -> str:
    """Return ``2 h 5 min``, ``2 min 10 s``, ``10 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
