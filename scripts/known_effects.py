#!/usr/bin/env python3
"""What doses do to models that many people have: the table that the package carries.

python scripts/known_effects.py MODEL.gguf...   measures all named effects at all sites, and adds them to the table
python scripts/known_effects.py                 prints the table, as docs/effect.md has it
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import drugs_cpp
from drugs_cpp import DoseError
from drugs_cpp.doses.effect import EFFECTS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.doses.titration import Titration, titration_of
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.frozen_texts import NAME

TABLE = Path(__file__).parents[1] / "python" / "drugs_cpp" / "effects.json"


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        table = json.loads(TABLE.read_text(encoding="utf-8"))
        doses = [found.to_dict() for found in measured(path)]
        table["models"][sha256_of(str(path))] = {
            "name": path.name,
            "size": path.stat().st_size,
            "texts": NAME,
            "doses": doses,
        }
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    if len(sys.argv) == 1:
        for model in json.loads(TABLE.read_text(encoding="utf-8"))["models"].values():
            print_model(model)


def measured(path: Path) -> list[Titration]:
    """All named effects at all sites that the model has."""
    found = []
    with contextlib.closing(drugs_cpp.Llama(str(path), n_ctx=512, verbose=False)) as llm:
        for site in llm.sites:
            for kl in EFFECTS.values():
                try:
                    found.append(llm.titrate(site, kl, again=True))
                except DoseError as error:  # a word without an angle is not in the table
                    print(f"{site}: {error}", file=sys.stderr, flush=True)
                else:
                    print(found[-1], file=sys.stderr, flush=True)
    return found


def print_model(model: dict[str, Any]) -> None:
    """A Markdown table: a line for each site, and for each effect the angle, its error, changes and perplexity."""
    found = [titration_of(values, "table") for values in model["doses"]]
    print(f"`{model['name']}`: {found[0].floor:.2g} nats under next to no dose\n")
    print("| site | " + " | ".join(f"{name}, {kl:g} nats" for name, kl in EFFECTS.items()) + " |")
    print("| ---- | " + " | ".join("---" for _ in EFFECTS) + " |")
    for site in SITES:
        of_site = {some.target: some for some in found if some.dosage.thetas[site]}
        cells = [_cell(of_site.get(kl)) for kl in EFFECTS.values()]
        if of_site:
            print(f"| `{site}` | " + " | ".join(cells) + " |")
    print()


def _cell(found: Titration | None) -> str:
    if found is None:
        return "jumps"
    return f"{found.angle:.3f} ± {found.error:.3f}, {100 * found.changed:.0f} %, x {found.perplexity:.2f}"


if __name__ == "__main__":
    main()
