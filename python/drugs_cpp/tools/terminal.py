"""Output for users: wrapped and coloured text on a terminal, plain text anywhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import TextIO

from drugs_cpp.tools.highlight import Word

_BOLD, _DIM, _MARK, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;33m", "\x1b[0m"

_INDENT = "  "

_WIDEST = 100  # columns; longer lines are hard to read


class Page:
    """Writes text to a stream, with escape codes only on a terminal and if NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._width = min(shutil.get_terminal_size().columns, _WIDEST) - 1

    def heading(self, text: str) -> None:
        self._write(f"\n{self._paint(text, _BOLD)}\n")

    def note(self, text: str) -> None:
        self._write(f"{_INDENT}{self._paint(text, _DIM)}\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines as they are, indented."""
        for line in lines:
            self._write(f"{_INDENT}{line.rstrip()}\n")

    def words(self, words: Iterable[Word]) -> None:
        """Write words as they come, indented and wrapped; words that differ are highlighted."""
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
