"""KL by angle, for each site of a model."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path

import drugs_cpp
from benchmarks.report import progress
from drugs_cpp.doses.dosage import Dosage
from drugs_cpp.doses.sites import SITES
from drugs_cpp.model.dose_meter import NEXT_TO_NOTHING, DoseMeter

#: radians
ANGLES = (NEXT_TO_NOTHING, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5)


def curves(model: Path) -> dict[str, list[dict[str, float]]]:
    """Return the effect of each angle by site, as in ``Measurement``."""
    with contextlib.closing(drugs_cpp.Llama(model, n_ctx=512, verbose=False)) as llm:
        sites = [site for site in SITES if site in llm.sites]
        found: dict[str, list[dict[str, float]]] = {site: [] for site in sites}
        for n_done, site in enumerate(sites, 1):
            with llm.engine.session.use():
                meter = DoseMeter(llm.engine, Dosage().with_theta(1.0, site))
                found[site] = [asdict(meter.measure(angle)) for angle in ANGLES]
                meter.release()
            progress(f"{model.stem}, sites", n_done, len(sites))
    return found
