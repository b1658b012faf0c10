"""``SweepStore``: the texts of sweeps in a results file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drugs_cpp.errors import ResultFileError
from drugs_cpp.study.prompt import Prompt, prompt_of
from drugs_cpp.study.setting import Setting, setting_of
from drugs_cpp.study.store import Store


@dataclass(frozen=True)
class ModelInfo:
    """A model. Its texts are kept once, however many copies of its file there are.

    Attributes:
        key: SHA-256 of its file; for imported texts "imported:" and the name that they give for their model.
        name: of the file, without its suffix and its quantization.
        quantization: such as "Q4_1"; "" if it is not known.
        architecture: such as "llama"; "" if it is not known.
    """

    key: str
    name: str
    quantization: str
    architecture: str

    @property
    def sha256(self) -> str:
        """SHA-256 of its file in hexadecimal digits, or "" if there is none."""
        return "" if self.key.startswith("imported:") else self.key


@dataclass(frozen=True)
class TextRow:
    """A text and its measures.

    Attributes:
        seed: of its noise and its sampler.
        tokens: int32 (n_tokens,); empty if they are not known.
        text: without the token that ended it.
        ending: "stop": the model or a string ended it; "length": it was cut; "": not known.
        log_likelihood: mean over its tokens under the sober model, in nats.
        parted: index of the first token that differs from the sober text; None: there is none, or it is not known.
        compressibility: compressed bytes over bytes.
        repeated: share of its 4-grams of words that occurred before.
        embedding: float16 (n_embd,); empty if there is none.
        seconds: from its first token to its last, decoded together with other texts.
    """

    seed: int
    tokens: npt.NDArray[np.int32]
    text: str
    ending: str
    log_likelihood: float | None
    parted: int | None
    compressibility: float | None
    repeated: float | None
    embedding: npt.NDArray[np.float16]
    seconds: float


class CellId(NamedTuple):
    """A model, a prompt and a setting, by their numbers in a store."""

    model: int
    prompt: int
    setting: int


_COLUMNS = "seed, tokens, text, ending, log_likelihood, parted, compressibility, repeated, embedding, seconds"


class SweepStore:
    """Texts by model, prompt, setting and seed; what they have in common is kept once.

    Args:
        store: an open results file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: dict[tuple[str, str], int] = {}

    #
    # what texts have in common
    #

    def model(self, info: ModelInfo) -> int:
        """Return the number of a model, which is added if it is new."""
        return self._id(
            "model", info.key, name=info.name, quantization=info.quantization, architecture=info.architecture
        )

    def prompt(self, prompt: Prompt) -> int:
        """Return the number of a prompt, which is added if it is new."""
        return self._id("prompt", prompt.to_json(), name=prompt.name)

    def setting(self, setting: Setting) -> int:
        """Return the number of a setting, which is added if it is new."""
        return self._id("setting", setting.to_json())

    def origin(self, origin: Mapping[str, Any]) -> int:
        """Return the number of an origin of texts (build, upstream's commit, CPU), which is added if it is new."""
        return self._id("origin", json.dumps(origin, sort_keys=True))

    def _id(self, table: str, key: str, **others: str) -> int:
        if (table, key) not in self._ids:
            names = ["key", *others]
            statement = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            find = f"SELECT id FROM {table} WHERE key = ?"
            if not self._store.query(find, (key,)):
                with self._store.transaction() as cursor:
                    cursor.execute(statement, (key, *others.values()))
            self._ids[table, key] = int(self._store.query(find, (key,))[0][0])
        return self._ids[table, key]

    def models(self) -> dict[int, ModelInfo]:
        """All models."""
        rows = self._store.query("SELECT id, key, name, quantization, architecture FROM model ORDER BY id")
        return {number: ModelInfo(*rest) for number, *rest in rows}

    def prompts(self) -> dict[int, Prompt]:
        """All prompts."""
        with self._damage():
            rows = self._store.query("SELECT id, name, key FROM prompt ORDER BY id")
            return {number: prompt_of(name, key) for number, name, key in rows}

    def settings(self) -> dict[int, Setting]:
        """All settings."""
        with self._damage():
            rows = self._store.query("SELECT id, key FROM setting ORDER BY id")
            return {number: setting_of(json.loads(key)) for number, key in rows}

    def origins(self) -> dict[int, dict[str, Any]]:
        """All origins."""
        with self._damage():
            rows = self._store.query("SELECT id, key FROM origin ORDER BY id")
            return {number: json.loads(key) for number, key in rows}

    #
    # texts
    #

    def add_text(self, cell: CellId, origin: int, row: TextRow) -> None:
        """Add a text; an existing one stays as it is."""
        self.add_texts([(cell, origin, row)])

    def add_texts(self, rows: Iterable[tuple[CellId, int, TextRow]]) -> None:
        """Add texts, all or none of them."""
        marks = ", ".join("?" * (len(CellId._fields) + 1 + len(TextRow.__dataclass_fields__)))
        with self._store.transaction() as cursor:
            cursor.executemany(
                f"INSERT OR IGNORE INTO text (model, prompt, setting, origin, {_COLUMNS}) VALUES ({marks})",
                [(*cell, origin, *_values(row)) for cell, origin, row in rows],
            )

    def done(self, model: int, prompt: int) -> set[tuple[int, int]]:
        """Return the number of the setting and the seed of each text of a prompt."""
        rows = self._store.query("SELECT setting, seed FROM text WHERE model = ? AND prompt = ?", (model, prompt))
        return {(setting, seed) for setting, seed in rows}

    def unscored(self, model: int, prompt: int) -> list[tuple[int, int, npt.NDArray[np.int32]]]:
        """Return setting, seed and tokens of the texts whose likelihood is not known."""
        rows = self._store.query(
            "SELECT setting, seed, tokens FROM text WHERE model = ? AND prompt = ? AND log_likelihood IS NULL "
            "AND length(tokens) > 0 ORDER BY setting, seed",
            (model, prompt),
        )
        return [(setting, seed, np.frombuffer(tokens, _TOKENS)) for setting, seed, tokens in rows]

    def keep_score(self, cell: CellId, seed: int, log_likelihood: float, embedding: npt.NDArray[np.float16]) -> None:
        """Add the sober model's likelihood and embedding to a text."""
        with self._store.transaction() as cursor:
            cursor.execute(
                f"UPDATE text SET log_likelihood = ?, embedding = ? WHERE {_OF_CELL} AND seed = ?",
                (log_likelihood, embedding.astype("<f2").tobytes(), *cell, seed),
            )

    def cells(self) -> list[CellId]:
        """Return all cells that have texts, in order.

        Raises:
            ResultFileError: texts of a model, prompt or setting that does not exist.
        """
        columns = ", ".join(CellId._fields)
        found = [CellId(*row) for row in self._store.query(f"SELECT DISTINCT {columns} FROM text ORDER BY {columns}")]
        for table in CellId._fields:
            known = {row[0] for row in self._store.query(f"SELECT id FROM {table}")}
            if not {getattr(cell, table) for cell in found} <= known:
                raise ResultFileError(f"{self._store.path} is damaged: it has texts of a {table} that does not exist")
        return found

    def texts(self, cell: CellId) -> list[TextRow]:
        """Return the texts of a cell, by seed."""
        return [row for _, row in self.texts_and_origins(cell)]

    def texts_and_origins(self, cell: CellId) -> list[tuple[int, TextRow]]:
        """Return the texts of a cell by seed, and the number of the origin of each."""
        with self._damage():
            rows = self._store.query(f"SELECT origin, {_COLUMNS} FROM text WHERE {_OF_CELL} ORDER BY seed", cell)
            return [(origin, _row(values)) for origin, *values in rows]

    #
    # measures of a cell as a whole
    #

    def sizes(self) -> dict[CellId, tuple[int, int]]:
        """Return, by cell, how many texts it has, and how many of them the sober model has read."""
        columns = ", ".join(CellId._fields)
        rows = self._store.query(
            f"SELECT {columns}, count(*), count(log_likelihood) FROM text GROUP BY {columns} ORDER BY {columns}"
        )
        return {CellId(*row[:3]): (row[3], row[4]) for row in rows}

    def measures(self, cell: CellId, key: str) -> dict[str, float | None] | None:
        """Return the measures of a cell, or None if they were of other texts or measured in another way.

        Args:
            cell: the cell.
            key: the number of texts and what measured them.
        """
        with self._damage():
            for (text,) in self._store.query(f"SELECT measures FROM cell WHERE {_OF_CELL} AND key = ?", (*cell, key)):
                return dict(json.loads(text))
        return None

    def keep_measures(self, measured: Iterable[tuple[CellId, str, Mapping[str, float | None]]]) -> None:
        """Keep measures of cells, with the key of each."""
        with self._store.transaction() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO cell VALUES (?, ?, ?, ?, ?)",
                [(*cell, key, json.dumps(measures)) for cell, key, measures in measured],
            )

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """For ``with``: report values that cannot be read as a damaged file."""
        try:
            yield
        except ResultFileError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ResultFileError(f"{self._store.path} is damaged: {error}") from error


_OF_CELL = "model = ? AND prompt = ? AND setting = ?"


def _values(row: TextRow) -> Iterator[Any]:
    for name in _COLUMNS.split(", "):
        value = getattr(row, name)
        yield value.astype(f"<{value.dtype.kind}{value.dtype.itemsize}").tobytes() if name in _ARRAYS else value


_TOKENS: np.dtype[np.int32] = np.dtype("<i4")

_ARRAYS: dict[str, np.dtype[Any]] = {"tokens": _TOKENS, "embedding": np.dtype("<f2")}


def _row(values: Sequence[Any]) -> TextRow:
    named: dict[str, Any] = dict(zip(_COLUMNS.split(", "), values))
    for name, dtype in _ARRAYS.items():
        named[name] = np.frombuffer(named[name], dtype)
    return TextRow(**named)
