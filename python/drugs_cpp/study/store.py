"""``Store``: results in one SQLite file. Each is written as soon as it is available."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import ResultFileError
from drugs_cpp.study.store_tables import ADDED, VERSION

if TYPE_CHECKING:
    from os import PathLike

#: the application ID in the header of our SQLite files: "DRUG"
_APPLICATION_ID = 0x44525547


class Store:
    """A results file. It has to be closed; ``with`` does so.

    Args:
        path: of the file, which is created if it does not exist; ":memory:" for none.
        must_exist: the file has to exist.

    Raises:
        ResultFileError: the file is not a results file, is damaged, or is from a newer version; or the disk is full.
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
            if self._number("user_version") < VERSION:
                self._make_tables()
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._check()

    def _make_tables(self) -> None:
        with suppress(sqlite3.OperationalError):  # another process may be setting it
            self._connection.execute("PRAGMA journal_mode = WAL")
        with self.transaction() as cursor:  # another process may create the tables at the same time
            for version in range(self._number("user_version") + 1, VERSION + 1):
                for statement in ADDED[version]:
                    cursor.execute(statement)
            cursor.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            cursor.execute(f"PRAGMA user_version = {VERSION}")

    def _check(self) -> None:
        is_empty = not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_empty and self._number("application_id") != _APPLICATION_ID:
            raise ResultFileError(f"{self.path} is a database of another program: give another name")
        if self._number("user_version") > VERSION:
            raise ResultFileError(f"{self.path} was written by a newer version of drugs_cpp: update this one")

    def _number(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise ResultFileError(self._explain(str(error))) from error

    def _explain(self, error: str) -> str:
        if "locked" in error:
            return f"{self.path} is written to by another process: try again"
        if "full" in error or "disk I/O" in error:
            return f"{self.path} cannot be written: the disk is full ({error}); what was written before is kept"
        if "readonly" in error:
            return f"{self.path} cannot be written: {error}"
        return f"{self.path} is damaged, or not a results file: {error}"

    #
    # transactions and queries
    #

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """For ``with``: write everything in it, or nothing.

        Raises:
            ResultFileError: the file cannot be written.
        """
        with self._errors(), closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may already have done it
                    cursor.execute("ROLLBACK")
                raise

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT.

        Raises:
            ResultFileError: the file cannot be read.
        """
        with self._errors(), closing(self._connection.cursor()) as cursor:
            return cursor.execute(statement, values).fetchall()

    @contextmanager
    def attached(self, path: str | PathLike[str], name: str) -> Iterator[None]:
        """For ``with``: let statements read another results file, whose tables are prefixed with this name.

        Raises:
            ResultFileError: it cannot be opened.
        """
        with self._errors():
            self._connection.execute(f"ATTACH DATABASE ? AS {name}", (str(path),))
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # the file is closed in any case
                self._connection.execute(f"DETACH DATABASE {name}")

    def check(self) -> None:
        """Read the whole file.

        Raises:
            ResultFileError: it is damaged.
        """
        found = [str(row[0]) for row in self.query("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            raise ResultFileError(self._explain(" ".join(found)))

    #
    # studies
    #

    def study(self, kind: str, key: Mapping[str, Any], about: Mapping[str, Any]) -> int:
        """Return the number of the study with this key, which is created if there is none.

        Args:
            kind: "vergence".
            key: what identifies the study.
            about: what else is known about it.
        """
        text = json.dumps(key, sort_keys=True)
        with self._errors():
            self._connection.execute(
                "INSERT INTO study (kind, key, about) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (kind, text, json.dumps(about)),
            )
        return int(self.query("SELECT id FROM study WHERE key = ?", (text,))[0][0])

    def last_study(self, kind: str) -> int:
        """Return the number of the latest study with results.

        Args:
            kind: "vergence", which is also the name of the table of its results.

        Raises:
            ResultFileError: there is no study of this kind.
        """
        statement = f"SELECT max(id) FROM study WHERE kind = ? AND id IN (SELECT study FROM {kind})"
        found = self.query(statement, (kind,))[0][0]
        if found is None:
            raise ResultFileError(f"{self.path} has no results of {kind}")
        return int(found)

    def about(self, study: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the key of a study, and what else is known about it."""
        key, about = self.query("SELECT key, about FROM study WHERE id = ?", (study,))[0]
        return json.loads(key), json.loads(about)

    #
    # rows
    #

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows, all or none of them; existing rows stay as they are."""
        rows = list(rows)
        marks = ", ".join("?" * len(rows[0]))
        with self.transaction() as cursor:
            cursor.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)

    def rows(self, table: str, columns: str, study: int) -> list[tuple[Any, ...]]:
        """Return columns of a study's rows."""
        return self.query(f"SELECT {columns} FROM {table} WHERE study = ?", (study,))
