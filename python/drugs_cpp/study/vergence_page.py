"""The page of a vergence study: one HTML file that works without a network."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.extras import extra
from drugs_cpp.study.grid import FIRST_ANGLE

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.vergence_result import Vergence

_FOLDER = Path(__file__).with_name("page")

#: sites in a few words
_SHORT = {
    "H": "input of attention",
    "Q": "queries",
    "K": "cached keys",
    "V": "cached values",
    "A": "heads' outputs",
    "pK": "a token's own keys",
    "pV": "a token's own values",
    "M": "activations of the MLP",
}


def write_page(vergence: Vergence, path: str | PathLike[str], angle: float = FIRST_ANGLE) -> None:
    """Write the page; see :func:`drugs_cpp.study.save`."""
    page = Template((_FOLDER / "vergence.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"Noise in {vergence.model}"),
        style=(_FOLDER / "vergence.css").read_text(encoding="utf-8"),
        plotly=extra("plotly.offline").get_plotlyjs(),
        data=_in_script(json.dumps(page_data(vergence, angle))),
        script=(_FOLDER / "vergence.js").read_text(encoding="utf-8"),
    )
    Path(path).write_text(page, encoding="utf-8")


def page_data(vergence: Vergence, angle: float = FIRST_ANGLE) -> dict[str, Any]:
    """Return the data for the page: means and standard deviations over the seeds."""
    grid, about = vergence.grid, vergence.about
    arrays = {
        "cosine_mean": vergence.cosine.mean(axis=4),
        "cosine_spread": vergence.cosine.std(axis=4),
        "kl_mean": vergence.kl.mean(axis=4),
        "kl_spread": vergence.kl.std(axis=4),
        "probs": vergence.probs.mean(axis=4),
    }
    return {
        "model": vergence.model,
        "pieces": about["pieces"],
        "version": about["version"],
        "cpu": about["cpu"],
        "sites": grid.sites,
        "meanings": {site: _SHORT[site] for site in grid.sites},
        "windows": grid.windows,
        "angles": grid.angles,
        "seeds": grid.seeds,
        "dosed": grid.dosed,
        "n_layer": grid.n_layer,
        "n_runs": int(np.isfinite(vergence.kl).sum()),
        "angle": angle,
        "top": [token._asdict() for token in vergence.sober_top],
        "arrays": {name: _encoded(values) for name, values in arrays.items()},
    }


def _encoded(values: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _in_script(text: str) -> str:
    """Return JSON that cannot end a script in a page too early."""
    return text.replace("<", "\\u003c")
