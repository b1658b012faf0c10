"""``python -m benchmarks verbatim``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import drugs_cpp
from benchmarks.report import markdown
from benchmarks.verbatim.picture import draw
from benchmarks.verbatim.regimes import ECHO, OTHER, SUBSTITUTION, TOLERANCE
from benchmarks.verbatim.repeating import ANGLES, repeat, shares


def main(given: Sequence[str]) -> int:
    """Let a model repeat texts under doses, draw what became of them, and print where one regime ends."""
    options = _options(given)
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    store = options.folder / f"{model.stem}.db"
    repeat(model, store)
    n_texts, found = shares(store, model)
    kept = {"model": model.name, "texts": n_texts, "angles": ANGLES, "sites": found}
    (options.folder / f"{model.stem}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    draw(found, f"{model.stem}, {n_texts} texts", options.folder / f"{model.stem}.png")
    print(table(found))
    return 0


def table(found: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """By site: up to which angle half of the texts stay verbatim, and from which one on half are lost."""
    head = ["site", "half verbatim up to", "most substitution", "half echo from", "half echo or another text from"]
    lines = []
    for site, by_angle in found.items():
        most = max(range(len(by_angle)), key=lambda i: by_angle[i][SUBSTITUTION])
        lines.append(
            [
                f"`{site}`",
                _angle([1 - one[TOLERANCE] for one in by_angle]),
                f"{100 * by_angle[most][SUBSTITUTION]:.0f} % at {ANGLES[most]:g}",
                _angle([one[ECHO] for one in by_angle]),
                _angle([one[ECHO] + one[OTHER] for one in by_angle]),
            ]
        )
    return markdown(head, lines)


def _angle(rising: Sequence[float], half: float = 0.5) -> str:
    """Where a share first reaches a half, in radians, between two angles as on a straight line."""
    for i, share in enumerate(rising):
        if share >= half:
            if not i:
                return f"{ANGLES[0]:g} or less"
            return f"{np.interp(half, rising[i - 1 : i + 1], ANGLES[i - 1 : i + 1]):.2f}"
    return f"more than {ANGLES[-1]:g}"


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks verbatim",
        description="How much of an unseen text a model can still repeat under a dose. What was written is kept, and "
        "the same command goes on from there.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template; without it the default one")
    parser.add_argument("--folder", type=Path, default=Path("build/verbatim"), help="for results (%(default)s)")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
