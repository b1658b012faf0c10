"""Ctrl-C while llama.cpp calls back into Python: what is raised there never comes out."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interrupt_later() -> Iterator[None]:
    """For ``with``: Ctrl-C inside takes effect at the end of it.

    For calls that cannot be broken off and in which llama.cpp logs. The log callback of llama-cpp-python is written in
    Python, so the signal would be handled there, and ctypes drops what a callback raises.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield  # Python handles no signal here
        return
    caught: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[0])
