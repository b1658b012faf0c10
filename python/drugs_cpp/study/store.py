"""``Store``: results in one SQLite file, each written as soon as it is there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import ResultFileError

if TYPE_CHECKING:
    from os import PathLike

#: what SQLite files of ours have in their header: "DRUG"
_APPLICATION_ID = 0x44525547

#: grows with each change of the tables
_VERSION = 1

_TABLES = """
CREATE TABLE study (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,   -- what makes it the same study, as JSON
    about TEXT NOT NULL,        -- what else is known of it, as JSON
    started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE vergence (
    study INTEGER NOT NULL REFERENCES study (id),
    site TEXT NOT NULL,
    window TEXT NOT NULL,
    layer INTEGER NOT NULL,
    angle REAL NOT NULL,        -- radians
    seed INTEGER NOT NULL,
    kl REAL NOT NULL,           -- KL(sober || dosed), nats
    top INTEGER NOT NULL,       -- the most likely token
    cosine BLOB NOT NULL,       -- cosine distance of each hidden state, float32 little-endian
    relative_l2 BLOB NOT NULL,  -- length of the difference over the sober length, likewise
    probs BLOB NOT NULL,        -- probabilities of the sober top tokens, likewise
    PRIMARY KEY (study, site, window, layer, angle, seed)
) WITHOUT ROWID;
"""


class Store:
    """Studies and their results. Whoever opens it closes it; ``with`` does.

    Args:
        path: of the file, which is made if it is not there; ":memory:" for none.
        must_exist: it has to be there.

    Raises:
        ResultFileError: it is no such file, damaged, or of a newer version.
    """

    def __init__(self, path: str | PathLike[str], must_exist: bool = False) -> None:
        self.path = Path(path)
        if must_exist and not self.path.is_file():
            raise ResultFileError(f"{path}: no such file")
        try:
            self._connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except sqlite3.Error as error:
            raise ResultFileError(f"{path} cannot be opened: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _prepare(self) -> None:
        with self._errors():
            self._check()
            if self._is_empty():
                self._make_tables()
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._check()

    def _make_tables(self) -> None:
        with suppress(sqlite3.OperationalError):  # another process may be about to set it, and does not wait
            self._connection.execute("PRAGMA journal_mode = WAL")
        with self._transaction() as cursor:  # another process may make the tables at the same time
            if self._is_empty():
                for statement in _TABLES.split(";"):
                    cursor.execute(statement)
                cursor.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                cursor.execute(f"PRAGMA user_version = {_VERSION}")

    def _check(self) -> None:
        if not self._is_empty() and self._number("application_id") != _APPLICATION_ID:
            raise ResultFileError(f"{self.path} is a database of another program: give another name")
        if self._number("user_version") > _VERSION:
            raise ResultFileError(f"{self.path} was written by a newer version of drugs_cpp: update this one")

    def _is_empty(self) -> bool:
        return not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        """All that is written in it, or nothing."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def _number(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise ResultFileError(f"{self.path} is written to by another process: try again") from error
            raise ResultFileError(f"{self.path} is damaged, or no file of results: {error}") from error

    #
    # studies
    #

    def study(self, kind: str, key: Mapping[str, Any], about: Mapping[str, Any]) -> int:
        """The number of the study with this key, which begins if there is none.

        Args:
            kind: "vergence".
            key: what makes it the same study.
            about: what else is known of it.
        """
        text = json.dumps(key, sort_keys=True)
        with self._errors():
            self._connection.execute(
                "INSERT INTO study (kind, key, about) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (kind, text, json.dumps(about)),
            )
            return int(self._connection.execute("SELECT id FROM study WHERE key = ?", (text,)).fetchone()[0])

    def last_study(self, kind: str) -> int:
        """The number of the study that began last, of those with results.

        Args:
            kind: "vergence", which is also the table of its results.

        Raises:
            ResultFileError: there is none of this kind.
        """
        with self._errors():
            query = f"SELECT max(id) FROM study WHERE kind = ? AND id IN (SELECT study FROM {kind})"
            found = self._connection.execute(query, (kind,)).fetchone()[0]
        if found is None:
            raise ResultFileError(f"{self.path} has no results of {kind}")
        return int(found)

    def about(self, study: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Key of a study, and what else is known of it."""
        with self._errors():
            key, about = self._connection.execute("SELECT key, about FROM study WHERE id = ?", (study,)).fetchone()
        return json.loads(key), json.loads(about)

    #
    # rows
    #

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows, all or none of them; one that is there already stays as it is."""
        rows = list(rows)
        marks = ", ".join("?" * len(rows[0]))
        with self._errors(), self._transaction() as cursor:
            cursor.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)

    def rows(self, table: str, columns: str, study: int) -> Iterator[tuple[Any, ...]]:
        """Columns of a study's rows."""
        with self._errors(), closing(self._connection.cursor()) as cursor:
            yield from cursor.execute(f"SELECT {columns} FROM {table} WHERE study = ?", (study,))
