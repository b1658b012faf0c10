"""Tables as files: CSV, JSON lines, Parquet. Rows are written as they come, so that large tables need little memory."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from drugs_cpp.extras import extra
from drugs_cpp.study.sweep_rows import REAL, TEXT, WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    Columns = Mapping[str, str]
    Rows = Iterable[Mapping[str, Any]]

#: rows of a row group in a Parquet file
_GROUP = 2000


def write_csv(path: Path, columns: Columns, rows: Rows) -> None:
    """Write CSV in UTF-8, with names in the first line and quotes where needed; unknown values are empty.

    Texts keep their line breaks and quotes. U+0000, at which CSV readers stop, becomes U+FFFD.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_without_nul(row[name]) for name in columns])


def write_json_lines(path: Path, columns: Columns, rows: Rows) -> None:
    """Write one object per line; unknown values and numbers that are not finite are null."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            values = {name: _finite(row[name]) for name in columns}
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, columns: Columns, rows: Rows) -> None:
    """Write columns of strings, whole numbers and real numbers; unknown values are null.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    kinds = {TEXT: arrow.string(), WHOLE: arrow.int64(), REAL: arrow.float64()}
    schema = arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(str(path), schema) as writer:
        for group in _groups(rows):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))


def _groups(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while group := [dict(row) for row in islice(left, _GROUP)]:
        yield group


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
