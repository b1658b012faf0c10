"""On graphics cards: decoding under doses, K and V at many positions, variations; a small model and a large one."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import cached, speed, variations
from benchmarks.results import Results
from benchmarks.setup import Setup
from benchmarks.synthetic import write_model
from drugs_cpp import _core

LARGE_MODEL = Path("build", "synthetic-3b.gguf")

#: a card decodes so fast that fewer tokens would not be meaningful
N_TOKENS = 128


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure with all layers on the cards, for the model and a larger one with random weights."""
    cards = [device for device in _core.devices() if device["kind"] in ("GPU", "IGPU")]
    if not cards:
        raise SystemExit("benchmarks: no graphics card, or none that this build knows: see docs/performance.md")
    results.note("On " + ", ".join(f"{card['name']} ({card['description']})" for card in cards))
    for model in (setup.model, _large_model()):
        results.note(f"{Path(model).name}:")
        on_card = replace(setup, model=model, n_gpu_layers=-1, n_tokens=max(setup.n_tokens, N_TOKENS))
        for part in (speed, cached, variations):
            part.measure(on_card, results, rounds)


def _large_model() -> str:
    if not LARGE_MODEL.exists():
        print(f"benchmarks: writing {LARGE_MODEL} (1.6 GB, once)", file=sys.stderr)
        LARGE_MODEL.parent.mkdir(exist_ok=True)
        write_model(LARGE_MODEL)
    return str(LARGE_MODEL.absolute())
