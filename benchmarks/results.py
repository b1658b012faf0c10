"""The results of a run: printed part by part, and kept in one JSON file."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Union

from benchmarks import report
from benchmarks.measured import Measured

#: content of a table's cell; "" for none
Cell = Union[str, Measured]

#: version of the file's layout
FORMAT = 1


class Results:
    """Takes tables, prints them and writes them to a file.

    The file is written after every table, so that an interrupted run leaves its results. Until the end, "ended" is null
    in it.

    Args:
        output: the file.
        about: what was measured on what, for the file.
        parts: everything that this run will measure, in order.
    """

    def __init__(self, output: Path, about: Mapping[str, Any], parts: Sequence[str]) -> None:
        self.output = output
        self._names = list(parts)
        self._start = time.monotonic()
        self._content: dict[str, Any] = {
            "format": FORMAT,
            "started": _now(),
            "ended": None,
            **about,
            "parts": {},
        }
        self._name = ""
        self._part: dict[str, Any] = {}

    def begin(self, part: str) -> None:
        """Begin a part, to which everything that follows belongs."""
        self._name = part
        self._part = self._content["parts"][part] = {"started": _now(), "tables": [], "notes": []}

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table and keep it. In the file, a row is an object with the columns' names as keys."""
        printed = report.markdown(_printed_head(head, rows), [[str(cell) for cell in row] for row in rows])
        print(f"{title}:\n\n{printed}", flush=True)
        kept = [{name: _kept(cell) for name, cell in zip(head, row) if cell != ""} for row in rows]
        self._part["tables"].append({"title": title, "rows": kept})
        self._write()

    def note(self, text: str) -> None:
        """Print and keep a remark, such as why there is no table."""
        print(f"{text}\n", flush=True)
        self._part["notes"].append(text)
        self._write()

    def end(self) -> None:
        """Note that all parts are done."""
        self._content["ended"] = _now()
        self._write()

    def progress(self, done: int, of: int, what: str = "") -> None:
        """Show how far the run is, on a terminal.

        Args:
            done: rounds of this measurement that are done.
            of: rounds of this measurement.
            what: this measurement, if the part has several.
        """
        number = self._names.index(self._name) + 1
        minutes = (time.monotonic() - self._start) / 60
        part = f"part {number} of {len(self._names)}, {' '.join((self._name, what)).strip()}"
        report.progress(f"{minutes:.0f} min, {part}", done, of)

    def _write(self) -> None:
        """Write the file so that it is complete at any time."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        new = self.output.with_name(self.output.name + ".new")
        new.write_text(json.dumps(self._content, indent=1) + "\n", encoding="utf-8")
        new.replace(self.output)


def compared(sides: Mapping[str, Measured], base: str, digits: int = 3) -> list[list[Cell]]:
    """Return a row for each side: its name, its result, and the ratio to the side called ``base``."""
    against = sides[base]
    return [[name, m, m.against(against, base, digits) if name != base else ""] for name, m in sides.items()]


def _printed_head(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Return the columns' names, and what the numbers in them are."""
    columns = [[row[i] for row in rows] for i in range(len(head))]
    spread = [any(isinstance(cell, Measured) and cell.samples.size > 1 for cell in column) for column in columns]
    return [f"{name}: median (quartiles)" if has else name for name, has in zip(head, spread)]


def _kept(cell: Cell) -> Any:
    return cell.to_dict() if isinstance(cell, Measured) else cell


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
