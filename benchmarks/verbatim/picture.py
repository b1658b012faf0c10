"""A plot for each site of what became of texts at each angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.verbatim.regimes import REGIMES
from benchmarks.verbatim.repeating import ANGLES
from drugs_cpp.extras import extra

if TYPE_CHECKING:
    from benchmarks.verbatim.repeating import Shares

_COLOURS = ("#4c9a5f", "#e8c547", "#9aa5b1", "#c8553d")

_COLUMNS = 4


def draw(found: Mapping[str, Sequence[Shares]], title: str, picture: Path) -> None:
    """Plot the shares of the regimes stacked, and the share of repeated words as a line.

    Args:
        found: by site, what became of the texts at each angle.
        title: of the figure.
        picture: a .png or .svg file.
    """
    n_rows = -(-len(found) // _COLUMNS)
    figure = extra("matplotlib.figure").Figure(figsize=(11, 2.6 * n_rows), layout="constrained")
    extra("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axis, (site, shares) in zip(axes.flat, found.items()):
        parts = [[np.mean(one[name]) for one in shares] for name in REGIMES]
        areas = axis.stackplot(ANGLES, parts, labels=REGIMES, colors=_COLOURS)
        (words,) = axis.plot(ANGLES, [np.mean(one["kept"]) for one in shares], color="black", label="words repeated")
        axis.set(xscale="log", title=site, xlim=(ANGLES[0], ANGLES[-1]), ylim=(0, 1))
    for axis in axes[-1]:
        axis.set_xlabel("largest angle, radians")
    for row in axes:
        row[0].set_ylabel("share of texts")
    figure.suptitle(f"Repeating an unseen text under a dose: {title}")
    figure.legend(handles=[*areas, words], loc="outside lower center", ncols=len(REGIMES) + 1, frameon=False)
    figure.savefig(picture, dpi=110)
