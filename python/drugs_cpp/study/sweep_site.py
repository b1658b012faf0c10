"""``site_data``: what the explorer shows of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from drugs_cpp.errors import ResultFileError
from drugs_cpp.study.cell_measures import cell_measures, n_tokens
from drugs_cpp.study.site_data import Block, Cell, SiteData, Text
from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_store import CellId, SweepStore

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.cell_measures import Embeds
    from drugs_cpp.study.sweep_store import ModelInfo, TextRow

    Measures = Mapping[CellId, Mapping[str, float | None]]


def site_data(
    store: str | PathLike[str],
    embedder: Embeds | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> SiteData:
    """Return all texts of sweeps in a store. Cells that were not measured yet are measured, and the store keeps that.

    Args:
        store: path of a results file.
        embedder: used to measure how different texts are; None: hidden states that were kept with them.
        progress: called as cells are measured, with their number, the number of all cells, and the seconds.

    Raises:
        ResultFileError: no such file, damaged, or no texts in it.
    """
    from drugs_cpp import __version__

    with Store(store, must_exist=True) as opened:
        results = SweepStore(opened)
        cells = results.cells()
        if not cells:
            raise ResultFileError(f"{store} has no texts of a sweep: `drugs-lab sweep --output {store}` writes some")
        measures = cell_measures(results, cells, embedder, progress)
        numbers = [{number: i for i, number in enumerate(kind)} for kind in _kinds(results)]
        blocks = [
            _block(results, numbers, list(some), measures) for _, some in groupby(cells, key=lambda cell: cell[:2])
        ]
        return SiteData(
            title=Path(store).stem,
            version=__version__,
            models=_models(list(results.models().values())),
            prompts=list(results.prompts().values()),
            settings=list(results.settings().values()),
            blocks=blocks,
            cpu=", ".join(sorted({str(o["cpu"]) for o in results.origins().values() if "cpu" in o})),
        )


def _kinds(results: SweepStore) -> tuple[Mapping[int, object], ...]:
    return results.models(), results.prompts(), results.settings()


def _models(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Add the hash to the names of files that have the same name and quantization."""
    counted = Counter((info.name, info.quantization) for info in infos)
    return [
        info if counted[info.name, info.quantization] == 1 else replace(info, name=f"{info.name} ({info.key[:8]})")
        for info in infos
    ]


def _block(
    results: SweepStore, numbers: Sequence[Mapping[int, int]], cells: Sequence[CellId], measures: Measures
) -> Block:
    models, prompts, settings = numbers
    texts = [(settings[cell.setting], results.texts(cell)) for cell in cells]
    return Block(
        model=models[cells[0].model],
        prompt=prompts[cells[0].prompt],
        cells=[
            Cell(setting, len(rows), {name: value for name, value in measures[cell].items() if name != "n_texts"})
            for cell, (setting, rows) in zip(cells, texts)
        ],
        texts=[_text(setting, row) for setting, rows in texts for row in rows],
    )


def _text(setting: int, row: TextRow) -> Text:
    return Text(
        setting=setting,
        seed=row.seed,
        text=row.text,
        n_tokens=n_tokens(row),
        end=row.ending,
        log_likelihood=row.log_likelihood,
        parted=row.parted,
        compressibility=row.compressibility,
        repeated=row.repeated,
        seconds=row.seconds or None,
    )
