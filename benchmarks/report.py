"""Markdown tables, and a progress line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with a line break after each row."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths)] for line in (lines[0], rule, *lines[1:])]
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)


def progress(what: str, done: int, of: int) -> None:
    """Show how far a measurement is, on a terminal."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done >= of else ""
        print(f"\r\x1b[K{what}: {done} of {of}{end}", end="", file=sys.stderr, flush=True)


def line(text: str) -> None:
    """Replace the last text on a terminal; an empty text removes it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
