"""A plot of KL by angle: a line for each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drugs_cpp.doses.effect import EFFECTS
from drugs_cpp.extras import extra

#: range in nats: from half of "mild" to more than any useful dose
_SHOWN = (0.001, 10)


def draw(models: Sequence[Mapping[str, Any]], picture: Path) -> None:
    """Plot the curves of several models side by side.

    Args:
        models: "name" and "curves", as ``__main__`` keeps them.
        picture: a .png or .svg file.
    """
    figure = extra("matplotlib.figure").Figure(figsize=(5.5 * len(models), 4.6), layout="constrained")
    extra("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axis, model in zip(axes, models):
        _draw_one(axis, model)
        axis.set(xscale="log", yscale="log", ylim=_SHOWN, title=model["name"], xlabel="largest angle, radians")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("KL(sober ‖ dosed), nats")
    axes[0].legend(ncols=2, loc="upper left")
    figure.savefig(picture, dpi=110)


def _draw_one(axis: Any, model: Mapping[str, Any]) -> None:
    for site, found in model["curves"].items():
        shown = found[1:]  # the first angle is almost zero
        axis.errorbar(
            [one["angle"] for one in shown],
            [one["kl"] for one in shown],
            [one["kl_error"] for one in shown],
            marker=".",
            label=site,
        )
    right = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "bottom", "fontsize": 8}
    for name, nats in EFFECTS.items():
        axis.axhline(nats, color="black", lw=0.8)
        axis.text(0.99, nats, name, **right)
