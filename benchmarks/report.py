"""Tables on stdout, a line of progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    for line in (lines[0], rule, *lines[1:]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
    print(flush=True)


def progress(what: str, done: int, of: int) -> None:
    """Show how far a measurement is, on a terminal."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done >= of else ""
        print(f"\r{what}: {done} of {of}{end}", end="", file=sys.stderr, flush=True)
