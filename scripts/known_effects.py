#!/usr/bin/env python3
"""What doses do to models that many people have: the table that the package carries.

python scripts/known_effects.py MODEL.gguf...   measures what the table lacks: named effects at each site, and those
                                                of the default dose of ``Llama.uncertainty``
python scripts/known_effects.py                 prints the table, as docs/effect.md has it
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drugs_cpp
from drugs_cpp import DRUGS, DoseError
from drugs_cpp.doses.effect import EFFECTS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.doses.titration import Titration, dose_key, titration_of
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.frozen_texts import NAME
from drugs_cpp.model.uncertainty_methods import usual_doses

TABLE = Path(__file__).parents[1] / "python" / "drugs_cpp" / "effects.json"

#: name of a row -> doses without angles
DOSES = {
    **{f"`{site}`": DRUGS({site: 1, "effect": "mild"}) for site in SITES},
    "`M`, as for `uncertainty`": usual_doses(),
}


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        add(path)
    if len(sys.argv) == 1:
        for model in json.loads(TABLE.read_text(encoding="utf-8"))["models"].values():
            print_model(model)


def add(path: Path) -> None:
    """Measure what the table lacks for a model, and write each dose into it as soon as it is found."""
    with contextlib.closing(drugs_cpp.Llama(str(path), n_ctx=512, verbose=False)) as llm:
        for name, drugs in DOSES.items():
            for kl in EFFECTS.values():
                table = json.loads(TABLE.read_text(encoding="utf-8"))
                about = {"name": path.name, "size": path.stat().st_size, "texts": NAME, "doses": []}
                doses = table["models"].setdefault(sha256_of(str(path)), about)["doses"]
                if not list(of(doses, drugs, kl)) and (found := measured(llm, name, drugs, kl)):
                    doses.append(found.to_dict())
                    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def measured(llm: drugs_cpp.Llama, name: str, drugs: DRUGS, kl: float) -> Titration | None:
    """Return the dose with an effect. None: no angle has that effect, and the table does not list it."""
    try:
        found = llm.titrate(kl=kl, drugs=drugs, again=True)
    except DoseError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return None
    print(found, file=sys.stderr, flush=True)
    return found


def of(doses: list[dict[str, Any]], drugs: DRUGS, kl: float) -> Iterator[Titration]:
    """Yield a table's entries for a dose and an effect."""
    for values in doses:
        found = titration_of(values, "table")
        if found.target == kl and dose_key(found.dosage) == dose_key(drugs.dosage):
            yield found


def print_model(model: dict[str, Any]) -> None:
    """Print a Markdown table: a line for each dose, with angle, error, changes and perplexity for each effect."""
    floor = titration_of(model["doses"][0], "table").floor
    print(f"`{model['name']}`: {floor:.2g} nats under next to no dose\n")
    print("| site | " + " | ".join(f"{name}, {kl:g} nats" for name, kl in EFFECTS.items()) + " |")
    print("| ---- | " + " | ".join("---" for _ in EFFECTS) + " |")
    for name, drugs in DOSES.items():
        cells = [_cell(next(of(model["doses"], drugs, kl), None)) for kl in EFFECTS.values()]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()


def _cell(found: Titration | None) -> str:
    if found is None:
        return "jumps"
    return f"{found.angle:.3f} ± {found.error:.3f}, {100 * found.changed:.0f} %, x {found.perplexity:.2f}"


if __name__ == "__main__":
    main()
