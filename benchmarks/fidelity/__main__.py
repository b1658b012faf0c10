"""``python -m benchmarks.fidelity``: see ``--help``."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import torch

import drugs_cpp
from benchmarks.fidelity.dequantized import FLOAT16, FLOAT32, write_dequantized
from benchmarks.fidelity.divergence import kl
from benchmarks.fidelity.engine_side import EngineSide
from benchmarks.fidelity.hidden import compare
from benchmarks.fidelity.hidden_page import hidden_section
from benchmarks.fidelity.kinds_page import ANGLE, KINDS_OF_CACHED, N_TOKENS, ROWS, compare_rows, section
from benchmarks.fidelity.measure import measure
from benchmarks.fidelity.model_side import ModelSide
from benchmarks.fidelity.page import HALF, SHIPPED, TORCH, disagreements, page
from benchmarks.fidelity.protocol import ANGLES, NOISES, PROMPTS, Dose, Side, Text
from benchmarks.fidelity.tiny_experts import DESCRIPTION, write_tiny_experts
from benchmarks.fidelity.tiny_models import TINY_MODELS, TOKENS
from benchmarks.fidelity.torch_arrays import TorchArrays
from benchmarks.machine import machine

#: a dose that turns almost nothing
TRACE = Dose("H", "isotropic", (1e-4,))

N_SEEDS = 8


def main() -> None:
    options = _options()
    model = Path(options.model or drugs_cpp.default_model())
    with tempfile.TemporaryDirectory() as folder:
        parts = _measure_noise(model, Path(folder), options) if options.hidden_only is None else []
        more = options.hidden if options.hidden_only is None else options.hidden_only
        if more is not None:
            parts.append(_measure_hidden([model, *more], Path(folder)))
    text = "\n".join(parts)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _measure_noise(model: Path, folder: Path, options: argparse.Namespace) -> list[str]:
    half = folder / "half.gguf"
    write_dequantized(model, half, FLOAT16)
    engines = {HALF: EngineSide(half), SHIPPED: EngineSide(model)}
    torch.set_num_threads(1)  # the sides run at the same time, with one thread each
    side = ModelSide(model, TorchArrays())
    texts = [engines[SHIPPED].text(prompt) for prompt in PROMPTS]
    parts = [] if options.kinds_only else [_measure(side, engines, texts, options)]
    if options.kinds or options.kinds_only:
        experts = folder / "experts.gguf"
        write_tiny_experts(experts)
        parts.append(_measure_kinds(side, engines[HALF], experts, texts, options))
    for engine in engines.values():
        engine.close()
    return parts


def _measure(model: ModelSide, engines: dict[str, EngineSide], texts: list[Text], options: argparse.Namespace) -> str:
    sides: dict[str, Side] = {TORCH: model, **engines}
    doses = [Dose(site, noise, tuple(options.angles)) for noise in options.noises for site in options.sites]

    found = measure(sides, texts, doses, range(options.seeds), options.threads)
    repeated = disagreements(found)
    doses = [Dose(cell.site, cell.noise, (cell.angle,)) for cell in repeated]
    again = measure(sides, texts, doses, range(options.seeds, 5 * options.seeds), options.threads)
    for side in sides:
        found[side].update(again[side])

    floors = {name: _floor(model, engine, texts) for name, engine in engines.items()}
    return page(found, repeated, floors, len(texts), _command())


def _measure_kinds(
    model: ModelSide, engine: EngineSide, experts: Path, texts: list[Text], options: argparse.Namespace
) -> str:
    text = texts[0]._replace(fed=texts[0].fed[:N_TOKENS])
    rows = compare_rows(model, engine, text, ROWS)
    sober = float(kl(model.sober(text), engine.sober(text)).max())

    other = EngineSide(experts, llama_cpp.GGML_TYPE_F32)
    found = compare_rows(
        ModelSide(experts, TorchArrays()), other, Text(tuple(range(20, 32)), tuple(range(40, 48))), "M"
    )
    other.close()

    doses = [Dose(site, noise, (ANGLE,), settings) for site in "KV" for noise, settings in KINDS_OF_CACHED]
    sides: dict[str, Side] = {TORCH: model, HALF: engine}
    cached = measure(sides, texts, doses, range(options.seeds), options.threads)
    return section(rows, found, sober, cached, DESCRIPTION, str(machine(None)["cpu"]), _command())


def _measure_hidden(models: Sequence[Path], folder: Path) -> str:
    lines = []
    for model in models:
        floats = folder / "floats.gguf"
        write_dequantized(model, floats, FLOAT32)
        lines += compare(f"`{model.name}`", model, floats, PROMPTS[0], TorchArrays())
        floats.unlink()
    for architecture, write in TINY_MODELS.items():
        tiny = folder / f"{architecture}.gguf"
        write(tiny)
        lines += compare("tiny, random", tiny, tiny, TOKENS, TorchArrays())
    return hidden_section(lines, str(machine(None)["cpu"]), _command())


def _command() -> str:
    return shlex.join(["python", "-m", "benchmarks.fidelity", *sys.argv[1:]])


def _floor(model: ModelSide, engine: EngineSide, texts: list[Text]) -> tuple[float, float]:
    """Return the KL of the engine's sober probabilities from PyTorch's, and its KL under a tiny dose from sober."""
    sober = sum(float(kl(model.sober(text), engine.sober(text)).mean()) for text in texts)
    trace = sum(float(engine.shift(text, TRACE, range(4)).kl.mean()) for text in texts)
    return sober / len(texts), trace / len(texts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fidelity",
        description="Compare what doses do to the probabilities of the next token in PyTorch and in the engine.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model of the Llama architecture")
    parser.add_argument("-o", "--output", type=Path, help="write the page to this file instead of stdout")
    parser.add_argument("-t", "--threads", type=int, default=2, help="sides that run at a time (%(default)s)")
    parser.add_argument("-s", "--seeds", type=int, default=N_SEEDS, help="seeds for each prompt (%(default)s)")
    parser.add_argument("--sites", nargs="+", choices=drugs_cpp.SITES, default=drugs_cpp.SITES, help="default: all")
    parser.add_argument("--noises", nargs="+", choices=NOISES, default=NOISES, help="default: both")
    parser.add_argument("--angles", nargs="+", type=float, default=ANGLES, help="radians (default: 0.1 0.2 0.35 0.5)")
    parser.add_argument("--quick", action="store_true", help="one angle and two seeds, to check that it works")
    parser.add_argument(
        "--kinds", action="store_true", help="add the section on kinds of noise and a mixture of experts"
    )
    parser.add_argument("--kinds-only", action="store_true", help="only that section")
    models: dict[str, Any] = {"nargs": "*", "type": Path, "metavar": "MODEL"}
    parser.add_argument("--hidden", help="add the section on hidden states, with these models as well", **models)
    parser.add_argument("--hidden-only", help="only that section", **models)
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.angles = 2, [0.2]
    return options


if __name__ == "__main__":
    main()
