"""``cell_measures``: measures of all texts of a model, a prompt and a setting together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from drugs_cpp.errors import MissingExtraError
from drugs_cpp.extras import extra
from drugs_cpp.study.measures import distinct, vendi
from drugs_cpp.study.self_bleu import self_bleu

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.sweep_store import CellId, SweepStore, TextRow

    Measures = dict[str, float | None]

#: called with the number of measured cells, the number of all cells, and the seconds since the first one was begun
Listener = Callable[[int, int, float], None]

#: means over the texts
_MEANS = ("log_likelihood", "parted", "n_tokens", "compressibility", "repeated")

#: all of them, in order
MEASURES = ("n_texts", *_MEANS, "distinct_1", "distinct_2", "self_bleu", "vendi")

#: increased when a measure is computed in a different way
_VERSION = 1

#: how many cells are measured and kept at a time
_TOGETHER = 16


class Embeds(Protocol):
    """Turns texts into vectors.

    Attributes:
        name: identifies the vectors; different vectors have different names.
    """

    name: str

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return vectors, (n_texts, length)."""


def cell_measures(
    results: SweepStore,
    cells: Iterable[CellId],
    embedder: Embeds | None = None,
    progress: Listener | None = None,
) -> dict[CellId, Measures]:
    """Return measures of cells. They are kept, and computed again only if texts were added or the measures changed.

    Means over the texts of ``log_likelihood``, ``parted`` (of those that differ from the sober text), ``n_tokens``,
    ``compressibility`` and ``repeated``; ``distinct_1`` and ``distinct_2``; ``self_bleu``, if sacrebleu is installed;
    ``vendi``. None: not known.

    Args:
        results: the texts.
        cells: which.
        embedder: makes the vectors that ``vendi`` compares; None: the hidden states that were kept with the texts.
        progress: called as cells are measured.
    """
    cells, sizes, bleu = list(cells), results.sizes(), _bleu()
    by = _measured_by(bleu, embedder)
    keys = {cell: "{} texts, {} read; ".format(*sizes.get(cell, (0, 0))) + by for cell in cells}
    found = {cell: kept for cell in cells if (kept := results.measures(cell, keys[cell])) is not None}
    missing = [cell for cell in cells if cell not in found]
    start = time.monotonic()
    for first in range(0, len(missing), _TOGETHER):
        some = missing[first : first + _TOGETHER]
        measured = dict(zip(some, _measure([results.texts(cell) for cell in some], bleu, embedder)))
        results.keep_measures((cell, keys[cell], values) for cell, values in measured.items())
        found.update(measured)
        if progress is not None:
            progress(first + len(some), len(missing), time.monotonic() - start)
    return {cell: found[cell] for cell in cells}


def _bleu() -> Any:
    """Return what computes BLEU, or None if it is not installed."""
    try:
        return extra("sacrebleu").BLEU(effective_order=True)
    except MissingExtraError:
        return None


def _measured_by(bleu: Any, embedder: Embeds | None) -> str:
    names = [f"measures {_VERSION}"]
    if bleu is not None:
        names.append(f"sacrebleu {extra('sacrebleu').__version__}")
    if embedder is not None:
        names.append(f"embedding {embedder.name}")
    return ", ".join(names)


def _measure(cells: Sequence[Sequence[TextRow]], bleu: Any, embedder: Embeds | None) -> Iterator[Measures]:
    for rows, vectors in zip(cells, _vectors(cells, embedder)):
        texts = [row.text for row in rows]
        yield {
            "n_texts": float(len(rows)),
            **{name: _mean([_of_text(row, name) for row in rows]) for name in _MEANS},
            "distinct_1": distinct(texts, 1),
            "distinct_2": distinct(texts, 2),
            "self_bleu": None if bleu is None else self_bleu(texts, bleu),
            "vendi": None if vectors is None else vendi(vectors),
        }


def _of_text(row: TextRow, name: str) -> float | None:
    if name == "n_tokens":
        return n_tokens(row)
    value = getattr(row, name)
    return None if value is None else float(value)


def n_tokens(row: TextRow) -> int | None:
    """Return how many tokens a text has, or None if that is not known."""
    return None if row.text and not len(row.tokens) else len(row.tokens)


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the known values."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _vectors(
    cells: Sequence[Sequence[TextRow]], embedder: Embeds | None
) -> Iterator[npt.NDArray[np.floating[Any]] | None]:
    """Return the vectors of the texts of each cell; None if a text has none."""
    if embedder is None:
        for rows in cells:
            lengths = {len(row.embedding) for row in rows}
            yield np.stack([row.embedding for row in rows]) if len(lengths) == 1 and min(lengths) else None
        return
    vectors = embedder([row.text for rows in cells for row in rows])  # many at a time, which is faster
    first = 0
    for rows in cells:
        yield vectors[first : first + len(rows)] if rows else None
        first += len(rows)
