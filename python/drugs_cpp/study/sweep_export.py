"""``export``: writes the texts of a sweep as a table, or as a folder of Markdown files like the reference project's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import OptionError, ResultFileError
from drugs_cpp.extras import extra
from drugs_cpp.study.cell_measures import Embeds, cell_measures
from drugs_cpp.study.row_files import write_csv, write_json_lines, write_parquet
from drugs_cpp.study.sample_folder_writer import write_samples
from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_rows import COLUMNS, sweep_rows
from drugs_cpp.study.sweep_store import SweepStore
from drugs_cpp.whole_file import whole

if TYPE_CHECKING:
    from os import PathLike

#: called with what is being done, how much of it is done, how much there is in all, and the seconds since it was begun
Listener = Callable[[str, int, int, float], None]

MEASURING, WRITING = "cells measured", "texts written"

_TABLES: Mapping[str, Any] = {".csv": write_csv, ".jsonl": write_json_lines, ".parquet": write_parquet}


def check_export(output: str | PathLike[str]) -> Path:
    """Refuse, before anything is done, outputs that :func:`export` could not write.

    Raises:
        OptionError: another suffix, a folder that does not exist, or an output folder that is not empty.
        MissingExtraError: a package is not installed.
    """
    path = Path(output)
    if not path.absolute().parent.is_dir():
        raise OptionError(f"{path}: there is no folder {path.parent}")
    if is_folder(output):
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise OptionError(f"{path} already exists and is not empty: give the name of a new folder")
        return path
    if path.suffix not in _TABLES:
        raise OptionError(f"{path}: the name has to end in {', '.join(_TABLES)}, or in / for a folder")
    if path.suffix == ".parquet":
        extra("pyarrow")
    return path


def is_folder(output: str | PathLike[str]) -> bool:
    """Whether a name means a folder: it has no suffix, ends in a slash, or is an existing folder."""
    return str(output).endswith(("/", "\\")) or not Path(output).suffix or Path(output).is_dir()


def export(
    store: str | PathLike[str],
    output: str | PathLike[str],
    embedder: Embeds | None = None,
    progress: Listener | None = None,
) -> int:
    """Write the texts of a store to another file or to a folder; returns their number.

    ``.csv``, ``.jsonl``, ``.parquet``: a row for each text, with its measures, those of its cell, and everything that
    it was made with. A folder, which is a name without a suffix or with a slash at the end: Markdown files in the
    format of the reference project.

    Args:
        store: path of a results file.
        output: what to write; an existing file is replaced when the new one is finished.
        embedder: makes the vectors that a cell's ``vendi`` compares; None: the hidden states that were kept.
        progress: called to report progress.

    Raises:
        ResultFileError: the store does not exist, is damaged, or has no texts.
        OptionError, MissingExtraError: as :func:`check_export`.
    """
    path, start = check_export(output), time.monotonic()
    with Store(store, must_exist=True) as opened:
        results = SweepStore(opened)
        sizes = results.sizes()
        n_texts = sum(n for n, _ in sizes.values())
        if not n_texts:
            raise ResultFileError(f"{store} has no texts of a sweep")

        def tell(what: str, n: int, n_all: int, seconds: float) -> None:
            if progress is not None:
                progress(what, n, n_all, seconds)

        def counted(some: Iterable[Any]) -> Iterator[Any]:
            began = time.monotonic()
            for n, one in enumerate(some, 1):
                yield one
                tell(WRITING, n, n_texts, time.monotonic() - began)

        with whole(path) as part:
            if is_folder(output):
                n_done = 0
                for n in write_samples(part, results, sizes):
                    n_done += n
                    tell(WRITING, n_done, n_texts, time.monotonic() - start)
            else:
                measures = cell_measures(results, sizes, embedder, lambda *of_cells: tell(MEASURING, *of_cells))
                _TABLES[path.suffix](part, COLUMNS, counted(sweep_rows(results, measures)))
    return n_texts
