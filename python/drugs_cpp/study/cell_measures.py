"""``cell_measures``: what is measured of the texts of a model, a prompt and a setting together."""

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

#: called with cells that are measured, cells in all, and seconds since the first one was begun
Listener = Callable[[int, int, float], None]

#: means over the texts
_MEANS = ("log_likelihood", "parted", "n_tokens", "compressibility", "repeated")

#: all of them, in order
MEASURES = ("n_texts", *_MEANS, "distinct_1", "distinct_2", "self_bleu", "vendi")

#: grows when a measure is computed otherwise than before
_VERSION = 1

#: cells measured and kept at a time
_TOGETHER = 16


class Embeds(Protocol):
    """What makes vectors of texts.

    Attributes:
        name: which; other vectors have another name.
    """

    name: str

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Vectors, (n_texts, length)."""


def cell_measures(
    results: SweepStore,
    cells: Iterable[CellId],
    embedder: Embeds | None = None,
    progress: Listener | None = None,
) -> dict[CellId, Measures]:
    """Measures of cells; they are kept, and computed again only where texts were added or others measure them.

    Means over the texts of ``log_likelihood``, ``parted`` (of those that differ from the sober text), ``n_tokens``,
    ``compressibility`` and ``repeated``; ``distinct_1`` and ``distinct_2``; ``self_bleu``, where sacrebleu is
    installed; ``vendi``. None: not known.

    Args:
        results: the texts.
        cells: which.
        embedder: whose vectors ``vendi`` compares; None: the hidden states that were kept beside the texts.
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
    """What computes BLEU; None where it is not installed."""
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
    """How many tokens a text has; None where that is not known."""
    return None if row.text and not len(row.tokens) else len(row.tokens)


def _mean(values: Sequence[float | None]) -> float | None:
    """Of those that are known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _vectors(
    cells: Sequence[Sequence[TextRow]], embedder: Embeds | None
) -> Iterator[npt.NDArray[np.floating[Any]] | None]:
    """Vectors of the texts of each cell; None where a text has none."""
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
