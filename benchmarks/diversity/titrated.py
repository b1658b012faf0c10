"""The angles for all sites and effects on a model, kept in a file."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import drugs_cpp
from benchmarks.diversity.methods import EFFECTS
from benchmarks.report import progress
from drugs_cpp.doses.sites import SITES


def angles_of(model: Path, kept: Path) -> dict[tuple[str, float], float]:
    """Return site and effect in nats -> largest angle in radians.

    Args:
        model: a GGUF file.
        kept: a JSON file; what is in it is not measured again.
    """
    wanted = [(site, effect) for site in SITES for effect in EFFECTS]
    found = {tuple(some[:2]): some[2] for some in json.loads(kept.read_text())} if kept.exists() else {}
    missing = [some for some in wanted if some not in found]
    if not missing:
        return {some: found[some] for some in wanted}
    with contextlib.closing(drugs_cpp.Llama(model, n_ctx=512, verbose=False)) as llm:
        for n_done, (site, effect) in enumerate(missing, 1):
            found[site, effect] = float(f"{llm.titrate(site, effect).angle:.4g}")
            kept.write_text(json.dumps([[*some, found[some]] for some in found], indent=1) + "\n")
            progress("titrating", n_done, len(missing))
    return {some: found[some] for some in wanted}
