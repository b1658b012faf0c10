"""Writing for people: wrapped and coloured text on a terminal, plain text anywhere else, and a line of progress."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterable
from itertools import cycle
from types import TracebackType
from typing import TextIO

from drugs_cpp.highlight import Word

_BOLD, _DIM, _MARK, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;33m", "\x1b[0m"

_CLEAR_LINE = "\r\x1b[K"

_INDENT = "  "

_WIDEST = 100  # columns; longer lines are hard to read

_TICK = 0.1  # seconds between two frames of the progress line


class Page:
    """Text for a stream. Escape codes only on a terminal, and not where NO_COLOR is set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._width = min(shutil.get_terminal_size().columns, _WIDEST) - 1

    def heading(self, text: str) -> None:
        self._write(f"\n{self._paint(text, _BOLD)}\n")

    def note(self, text: str) -> None:
        self._write(f"{_INDENT}{self._paint(text, _DIM)}\n")

    def words(self, words: Iterable[Word]) -> None:
        """Write words as they come, indented and wrapped; those that differ are highlighted."""
        column = 0
        for word in words:
            breaks = word.line_breaks if column else 0
            wraps = column + 1 + len(word.text) > self._width
            if breaks or (wraps and column):
                self._write("\n" * max(1, min(breaks, 2)))  # at most one empty line
                column = 0
            lead = " " if column else _INDENT
            column += len(lead) + len(word.text)
            self._write(lead + (self._paint(word.text, _MARK) if word.differs else word.text))
        self._write("\n")

    def _paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_PLAIN}" if self._colour else text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Progress:
    """A moving line on stderr that says what is going on, from a thread of its own. Nothing if that is no terminal.

    Args:
        text: what to say.
        visible: False for nothing anywhere.

    ``with Progress("loading") as progress: ... progress.show("reading the prompt") ... progress.hide()``
    """

    def __init__(self, text: str, visible: bool = True) -> None:
        self._text = text
        self._visible = visible and sys.stderr.isatty()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def show(self, text: str) -> None:
        """Say something else."""
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
            # a stream of its own, because llama-cpp-python closes stderr's file while it loads
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
