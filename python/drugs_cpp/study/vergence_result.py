"""``Vergence``: how far doses move hidden states and the output, depending on what was dosed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.study.grid import Cell, Grid
from drugs_cpp.traces.content import TopToken

if TYPE_CHECKING:
    import numpy.typing as npt

    F32 = npt.NDArray[np.float32]

#: columns of a row in the store, after the study's number
COLUMNS = "site, window, layer, angle, seed, kl, top, cosine, relative_l2, probs"


@dataclass(frozen=True, eq=False, repr=False)
class Vergence:
    """Results of a grid. Cells that are not computed yet are NaN, and -1 in ``top``.

    Attributes:
        grid: the runs.
        model: name of the model's file.
        about: what else is known: ``text`` (pieces of its tokens), ``architecture``, ``version``, ``cpu``.
        sober_top: the most likely next tokens of the sober model.
        cosine: cosine distance of each hidden state, 0 the embedding, i + 1 the output of layer i; float32 (n_sites,
            n_windows, n_layer, n_angles, n_seeds, n_layer + 1).
        relative_l2: length of the difference over the length of the sober state; shape and type of ``cosine``.
        kl: KL(sober || dosed) of the next token in nats; float32 (n_sites, n_windows, n_layer, n_angles, n_seeds).
        top: the most likely next token; int32, shape of ``kl``.
        probs: probabilities of the tokens in ``sober_top``; float32 (..., n_seeds, n_top).
    """

    grid: Grid
    model: str
    about: Mapping[str, Any]
    sober_top: list[TopToken]
    cosine: F32
    relative_l2: F32
    kl: F32
    top: npt.NDArray[np.int32]
    probs: F32

    def __repr__(self) -> str:
        n_runs = int(np.isfinite(self.kl).sum())
        return f"<vergence of {self.model}: {n_runs} of {self.grid.n_cells} runs at {', '.join(self.grid.sites)}>"

    def index(self, site: str, window: str) -> tuple[int, int]:
        """Return the indices of a site and a kind of window in the arrays."""
        return self.grid.sites.index(site), self.grid.windows.index(window)

    def nearest_angle(self, angle: float) -> int:
        """Return the index of the nearest angle."""
        return int(np.argmin(np.abs(np.array(self.grid.angles) - angle)))


def from_rows(grid: Grid, about: Mapping[str, Any], rows: Iterable[tuple[Any, ...]]) -> Vergence:
    """Make arrays from what a store has.

    Args:
        grid: the runs; rows of others are left out.
        about: what the store knows about the study.
        rows: with the columns of ``COLUMNS``.
    """
    shape = (len(grid.sites), len(grid.windows), grid.n_layer, len(grid.angles), len(grid.seeds))
    sober_top = [TopToken(*token) for token in about["top"]]
    cosine = np.full((*shape, grid.n_layer + 1), np.nan, np.float32)
    relative_l2, kl = np.full_like(cosine, np.nan), np.full(shape, np.nan, np.float32)
    top, probs = np.full(shape, -1, np.int32), np.full((*shape, len(sober_top)), np.nan, np.float32)
    where = _Places(grid)
    for *cell, row_kl, row_top, row_cosine, row_l2, row_probs in rows:
        place = where.get(Cell(*cell))
        if place is not None:
            kl[place], top[place] = row_kl, row_top
            cosine[place] = np.frombuffer(row_cosine, "<f4")
            relative_l2[place] = np.frombuffer(row_l2, "<f4")
            probs[place] = np.frombuffer(row_probs, "<f4")
    return Vergence(grid, about["model"], about, sober_top, cosine, relative_l2, kl, top, probs)


class _Places:
    """The place of each run of a grid in the arrays."""

    def __init__(self, grid: Grid) -> None:
        axes = (grid.sites, grid.windows, range(grid.n_layer), grid.angles, grid.seeds)
        self._indices: list[dict[Any, int]] = [{value: i for i, value in enumerate(axis)} for axis in axes]

    def get(self, cell: Cell) -> tuple[int, ...] | None:
        """Return the indices, or None for a run of another grid."""
        found = [indices.get(value) for indices, value in zip(self._indices, cell)]
        return None if None in found else tuple(found)  # type: ignore[arg-type]
