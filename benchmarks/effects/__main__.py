"""``python -m benchmarks effects``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import drugs_cpp
from benchmarks.effects.curves import ANGLES, curves
from benchmarks.effects.factors import of_several, per_square
from benchmarks.effects.picture import draw
from benchmarks.report import markdown
from drugs_cpp.file_hash import sha256_of


def main(given: Sequence[str]) -> int:
    """Measure each model that was not measured yet, print its table, and plot all models."""
    options = _options(given)
    models = options.model or [Path(drugs_cpp.default_model())]
    known = json.loads(options.output.read_text(encoding="utf-8")) if options.output.exists() else {}
    for model in models:
        key = sha256_of(str(model))
        if key not in known:
            known[key] = {"name": model.stem, "curves": curves(model)}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    shown = [known[sha256_of(str(model))] for model in models]
    draw(shown, options.output.with_suffix(".png"))
    for one in shown:
        print(f"`{one['name']}`\n\n{table(one)}")
    print(markdown(["site", *(one["name"] for one in shown), "together"], factors(shown)))
    return 0


def table(model: Mapping[str, Any]) -> str:
    """Return KL ± its standard error in nats: a line for each angle, a column for each site."""
    head = ["radians", *(f"`{site}`" for site in model["curves"])]
    lines = [
        [f"{angle:g}", *(f"{found[i]['kl']:.2g} ± {found[i]['kl_error']:.1g}" for found in model["curves"].values())]
        for i, angle in enumerate(ANGLES)
    ]
    return markdown(head, lines)


def factors(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return nats per squared radian: a line for each site that all models have."""
    sites = [site for site in models[0]["curves"] if all(site in model["curves"] for model in models)]
    found = {site: [per_square(model["curves"][site]) for model in models] for site in sites}
    return [[f"`{site}`", *(f"{one:.2g}" for one in (*some, of_several(some)))] for site, some in found.items()]


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks effects",
        description="Measure how far each angle at each site moves the next token's probabilities, on the texts of "
        "drugs-lab titrate. Results are kept and not measured again.",
    )
    parser.add_argument("-m", "--model", type=Path, nargs="+", help="GGUF models (the default model)")
    output = "file for results, with a picture next to it (%(default)s)"
    parser.add_argument("--output", type=Path, default=Path("build/effects.json"), help=output)
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
