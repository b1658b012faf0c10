"""Ctrl-C during steps that must not be interrupted, or where its exception would be lost."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def interrupt_later() -> Iterator[Callable[[], bool]]:
    """For ``with``: Ctrl-C inside the block takes effect at its end. Yields a function that says if it was pressed.

    For steps that belong together, and for calls in which llama.cpp logs. The log callback of llama-cpp-python is
    written in Python, so the signal would be handled there, and ctypes drops the exceptions of a callback.
    """
    handler = signal.getsignal(signal.SIGINT)
    caught: list[tuple[int, FrameType | None]] = []
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: False  # Python handles no signal here
        return
    signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield lambda: bool(caught)
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            handler(*caught[0])
