"""``merge``: merges results files of several runs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drugs_cpp.errors import OptionError, ResultFileError
from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_store import SweepStore
from drugs_cpp.whole_file import whole

if TYPE_CHECKING:
    from os import PathLike

#: called with the number of texts done, the number of all texts, and the seconds since the first one was begun
Listener = Callable[[int, int, float], None]

#: what texts have in common, each with a key that is the same in all files
_COMMON = {
    "model": "key, name, quantization, architecture",
    "prompt": "key, name",
    "setting": "key",
    "origin": "key",
}

_OF_A_TEXT = (
    "seed, tokens, text, ending, log_likelihood, parted, compressibility, repeated, embedding, seconds, written_at"
)

_OF_A_RUN = "site, window, layer, angle, seed, kl, top, cosine, relative_l2, probs"

#: joins a text of the other file with this file's numbers for its model, prompt, setting and origin
_MAPPED = "FROM other.text AS t " + " ".join(
    f"JOIN other.{table} AS other_{table} ON other_{table}.id = t.{table} "
    f"JOIN main.{table} AS own_{table} ON own_{table}.key = other_{table}.key"
    for table in _COMMON
)

_OF_PROMPT = "WHERE t.model = ? AND t.prompt = ?"


@dataclass(frozen=True)
class Merged:
    """What was taken from a file.

    Attributes:
        path: of the file.
        n_texts: number of its texts.
        n_new: texts that were added.
        n_others: texts for which a different one with the same model, prompt, setting and seed stays.
        n_runs: rows of vergence studies that were added.
    """

    path: Path
    n_texts: int
    n_new: int
    n_others: int
    n_runs: int


def merge(
    inputs: Sequence[str | PathLike[str]], output: str | PathLike[str], progress: Listener | None = None
) -> list[Merged]:
    """Add the texts and studies of files to another one; existing ones stay as they are.

    A file is added as a whole or not at all. A new output appears when all files are in it.

    Args:
        inputs: one or more results files.
        output: a results file that may already exist.
        progress: called as texts are added.

    Raises:
        ResultFileError: a file does not exist, is damaged, or is from a newer version. Nothing was written.
        OptionError: no inputs, the output is one of them, or its folder does not exist. Nothing was written.
    """
    paths, target = [Path(path) for path in inputs], Path(output)
    _check(paths, target)
    n_all = sum(_n_texts(path) for path in paths)
    start = time.monotonic()

    def tell(n_done: int) -> None:
        if progress is not None:
            progress(n_done, n_all, time.monotonic() - start)

    if target.exists():
        return _into(target, paths, tell)
    with whole(target) as part:
        return _into(part, paths, tell)


def _check(paths: Sequence[Path], target: Path) -> None:
    if not paths:
        raise OptionError("there is nothing to merge: give results files, such as a.db b.db")
    if not target.absolute().parent.is_dir():
        raise OptionError(f"{target}: there is no folder {target.parent}")
    for path in paths:
        if path.resolve() == target.resolve():
            raise OptionError(f"{path} is an input and the output: give another output")


def _n_texts(path: Path) -> int:
    """Return how many texts a file has, after reading the whole file."""
    with Store(path, must_exist=True) as store:
        store.check()
        results = SweepStore(store)
        results.models(), results.prompts(), results.settings(), results.origins()
        return sum(n for n, _ in results.sizes().values())


def _into(target: Path, paths: Sequence[Path], tell: Callable[[int], None]) -> list[Merged]:
    with Store(target) as store:
        store.check()
        merged: list[Merged] = []
        for path in paths:
            n_before = sum(some.n_texts for some in merged)
            with store.attached(path, "other"), _damage(path), store.transaction() as cursor:
                merged.append(_add(cursor, path, n_before, tell))
        return merged


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """For ``with``: name the file that violates a constraint."""
    try:
        yield
    except ResultFileError as error:
        raise ResultFileError(f"{path} cannot be merged: {error}") from error


def _add(cursor: sqlite3.Cursor, path: Path, n_before: int, tell: Callable[[int], None]) -> Merged:
    for table, columns in _COMMON.items():
        cursor.execute(
            f"INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM other.{table} ORDER BY id"
        )
    parts = cursor.execute("SELECT model, prompt, count(*) FROM other.text GROUP BY model, prompt").fetchall()
    n_texts = n_new = n_others = 0
    for model, prompt, n in parts:
        n_others += _n_others(cursor, model, prompt)
        n_new += _add_texts(cursor, model, prompt)
        n_texts += n
        tell(n_before + n_texts)
    return Merged(path, n_texts, n_new, n_others, _add_vergence(cursor))


def _n_others(cursor: sqlite3.Cursor, model: int, prompt: int) -> int:
    same = " AND ".join(f"own.{table} = own_{table}.id" for table in ("model", "prompt", "setting"))
    cursor.execute(
        f"SELECT count(*) {_MAPPED} JOIN main.text AS own ON {same} AND own.seed = t.seed "
        f"{_OF_PROMPT} AND own.text <> t.text",
        (model, prompt),
    )
    return int(cursor.fetchone()[0])


def _add_texts(cursor: sqlite3.Cursor, model: int, prompt: int) -> int:
    numbers, values = (", ".join(names) for names in (_COMMON, [f"own_{table}.id" for table in _COMMON]))
    columns = ", ".join(f"t.{name}" for name in _OF_A_TEXT.split(", "))
    cursor.execute(
        f"INSERT OR IGNORE INTO main.text ({numbers}, {_OF_A_TEXT}) SELECT {values}, {columns} {_MAPPED} "
        f"{_OF_PROMPT} ORDER BY t.rowid",
        (model, prompt),
    )
    return cursor.rowcount


def _add_vergence(cursor: sqlite3.Cursor) -> int:
    columns = "kind, key, about, started_at"
    cursor.execute(f"INSERT OR IGNORE INTO main.study ({columns}) SELECT {columns} FROM other.study ORDER BY id")
    cursor.execute(
        f"INSERT OR IGNORE INTO main.vergence (study, {_OF_A_RUN}) SELECT own.id, {_OF_A_RUN} FROM other.vergence AS v "
        "JOIN other.study AS s ON s.id = v.study JOIN main.study AS own ON own.key = s.key"
    )
    return cursor.rowcount
