"""The plane of diversity and coherence: a curve for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.diversity.best import WORST, Point, front
from drugs_cpp.doses.sites import SITES
from drugs_cpp.extras import extra

#: measure -> what it is called
COHERENCES = {"log_likelihood": "the model itself", "other_log_likelihood": "the other model"}


def draw(stages: Mapping[str, Sequence[Mapping[str, Any]]], model: str, picture: Path) -> None:
    """Draw the settings that were measured in full, or those that were screened if there are none.

    Args:
        stages: "screened" and "full", as ``rows`` gives them.
        model: name of the model.
        picture: a .png or .svg file.
    """
    figure = extra("matplotlib.figure").Figure(figsize=(11, 5), layout="constrained")
    extra("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    full = stages.get("full") or stages["screened"]
    shown = [name for name in COHERENCES if any(row[name] is not None for row in full)]
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axis, coherence in zip(axes, shown):
        _draw_one(axis, full, coherence)
        axis.set_xlabel(f"log-likelihood under {COHERENCES[coherence]}, nats per token")
        axis.set_xlim(*_shown(full, coherence))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(f"Vendi score of {_texts(full)} texts")
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.suptitle(f"Different texts that still make sense: {model}. Right and up is better")
    figure.savefig(picture, dpi=110)


def _shown(rows: Sequence[Mapping[str, Any]], coherence: str) -> tuple[float, float]:
    """Return the range of coherence to show: 1.5 times ``WORST`` below the most coherent texts, and a little above."""
    most = max(float(row[coherence]) for row in rows if row[coherence] is not None)
    return most - 1.5 * WORST, most + 0.15


def _texts(rows: Sequence[Mapping[str, Any]]) -> int:
    sober = next(row for row in rows if row["method"] == "sober")
    most = max(int(row["n_texts"]) for row in rows)
    return round(most / int(sober["n_texts"]))


def _draw_one(axis: Any, rows: Sequence[Mapping[str, Any]], coherence: str) -> None:
    names = list(dict.fromkeys(row["method"] for row in rows))
    for number, name in enumerate(name for name in names if name != "sober"):
        some = [row for row in rows if row["method"] == name and row[coherence] is not None]
        points = [Point(row["vendi"], row[coherence]) for row in some]
        best = [points[i] for i in front(points)]
        style = {"marker": "o", "ls": "-"} if name in SITES else {"marker": "s", "ls": "--"}
        (line,) = axis.plot(
            [p.coherence for p in best], [p.diversity for p in best], label=name, color=f"C{number % 10}", ms=4, **style
        )
        if number >= 10:
            line.set(color=("black", "0.45", "gold")[number % 10], mfc="white")
        axis.plot([p.coherence for p in points], [p.diversity for p in points], ".", color=line.get_color(), alpha=0.3)
    sober = next(row for row in rows if row["method"] == "sober")
    axis.plot([sober[coherence]], [sober["vendi"]], "*", color="black", ms=12, label="sober")
