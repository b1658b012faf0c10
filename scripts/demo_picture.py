"""Draws docs/demo.svg from a real run of the demo in a terminal of 100 columns.

usage: python scripts/demo_picture.py [arguments of `python -m drugs_cpp demo`]
"""

from __future__ import annotations

import os
import pty
import re
import sys
from html import escape
from pathlib import Path

COLUMNS = 100
CHARACTER_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 19, 16

#: escape code of the demo -> attributes of the text
STYLES = {
    "0": 'fill="#d7dae0"',
    "1": 'fill="#ffffff" font-weight="bold"',
    "2": 'fill="#8a909c"',
    "1;33": 'fill="#ffc857" font-weight="bold"',
}


def record(arguments: list[str]) -> str:
    """Return what the demo writes to a terminal."""
    os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm")
    os.environ.pop("NO_COLOR", None)
    written = bytearray()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 4096)
        written.extend(data)
        return data

    status = pty.spawn([sys.executable, "-m", "drugs_cpp", "demo", *arguments], read)
    if status:
        raise SystemExit(f"the demo ended with status {status}")
    return written.decode(errors="replace")


def visible_lines(output: str) -> list[str]:
    """Return the lines that stay on the screen, with their colours: the progress line is gone at the end."""
    lines = [line.split("\r")[-1].replace("\x1b[K", "") for line in output.replace("\r\n", "\n").split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def draw(lines: list[str]) -> str:
    """Return an SVG picture of a terminal."""
    width = round(2 * MARGIN + COLUMNS * CHARACTER_WIDTH)
    height = 2 * MARGIN + len(lines) * LINE_HEIGHT
    body = "\n".join(_line(line, MARGIN + (i + 0.75) * LINE_HEIGHT) for i, line in enumerate(lines) if line.strip())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f"<title>{escape(re.sub(chr(27) + r'.[0-9;]*m', '', lines[0]))}</title>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#1d2129"/>\n'
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">\n'
        f"{body}\n</g>\n</svg>\n"
    )


def _line(line: str, y: float) -> str:
    pieces, style, column = [], "0", 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            style = code[1]
        else:
            # browsers drop spaces at both ends, so these are left out and each piece gets a position; Firefox knows
            # the length of a <text>, but not of a <tspan>
            for piece in re.finditer(r"\S+(?: \S+)*", part):
                x = MARGIN + (column + piece.start()) * CHARACTER_WIDTH
                length = len(piece[0]) * CHARACTER_WIDTH
                place = f'x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"'
                pieces.append(f"<text {place} {STYLES[style]}>{escape(piece[0])}</text>")
            column += len(part)
    return "\n".join(pieces)


if __name__ == "__main__":
    picture = draw(visible_lines(record(sys.argv[1:])))
    Path(__file__).parents[1].joinpath("docs", "demo.svg").write_text(picture, encoding="utf-8")
