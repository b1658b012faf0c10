"""Ctrl-C in the middle of a computation, at a number of tokens, which is the same on every machine."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import llama_cpp


def n_computed(ctx: int | None) -> int:
    """Tokens that a llama_context has computed so far; 0 after it was closed. Any thread may call this.

    llama.cpp counts tokens in batches and single tokens, each as at least 1: 2 before there were any.
    """
    if ctx is None:
        return 0
    counts = llama_cpp.llama_perf_context(ctx)
    return int(counts.n_eval + counts.n_p_eval)


def press() -> None:
    """Press Ctrl-C, from any thread."""
    if sys.platform == "win32":  # where os.kill would end the process
        _thread.interrupt_main(signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGINT)


class CtrlC(threading.Thread):
    """Presses Ctrl-C as soon as ``progress()`` has reached ``start``.

    Attributes:
        pressed_at: ``progress()`` at that moment.
    """

    def __init__(self, progress: Callable[[], int], start: int) -> None:
        super().__init__(daemon=True)
        self._progress = progress
        self._start = start
        self._cancelled = threading.Event()
        self.pressed_at: int | None = None

    def run(self) -> None:
        while self._progress() < self._start and not self._cancelled.is_set():
            time.sleep(0.001)
        if not self._cancelled.is_set():
            press()
            self.pressed_at = self._progress()

    def cancel(self) -> None:
        self._cancelled.set()
        self.join()

    def n_computed_since(self) -> int:
        """What was computed after Ctrl-C was pressed."""
        self.join()
        assert self.pressed_at is not None
        return self._progress() - self.pressed_at
