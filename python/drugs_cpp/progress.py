"""A status line for everything that takes a while."""

from __future__ import annotations

import os
import sys
import threading
from itertools import cycle
from types import TracebackType

_CLEAR_LINE = "\r\x1b[K"

_TICK = 0.1  # seconds between two frames


class Progress:
    """An animated status line on stderr, drawn by a separate thread. Does nothing if stderr is not a terminal.

    Args:
        text: what to show.
        visible: False: never show anything.

    ``with Progress("loading") as progress: ... progress.show("reading the prompt") ... progress.hide()``
    """

    def __init__(self, text: str, visible: bool = True) -> None:
        self._text = text
        self._visible = visible and sys.stderr.isatty()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def show(self, text: str) -> None:
        """Show another text."""
        self._text = text

    def hide(self) -> None:
        """Remove the line, for good."""
        self._stopped.set()
        with self._lock:
            if self._visible:
                self._stream.write(_CLEAR_LINE)
                self._stream.flush()
            self._visible = False

    def __enter__(self) -> Progress:
        if self._visible:
            # a separate stream, because llama-cpp-python closes stderr's file while it loads
            self._stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace")
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()
        if self._thread.ident is not None:
            self._thread.join()
            self._stream.close()

    def _run(self) -> None:
        for frame in cycle("|/-\\"):
            with self._lock:
                if self._visible:
                    self._stream.write(f"{_CLEAR_LINE}{frame} {self._text}")
                    self._stream.flush()
            if self._stopped.wait(_TICK):
                return
