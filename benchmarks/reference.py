"""Compared with the mathematics in PyTorch: the independent model of benchmarks.fidelity, with weights in float32."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import drugs_cpp
from benchmarks.alternate import alternate_numbers
from benchmarks.counting import n_fed_back
from benchmarks.results import Results, compared
from benchmarks.setup import Setup, dose
from benchmarks.side import ANGLE
from benchmarks.worker import SIMPLE_SITES, some_tokens

if TYPE_CHECKING:
    from benchmarks.fidelity.arrays import Array
    from benchmarks.fidelity.model import Cache, LlamaModel, Turn
    from benchmarks.fidelity.rotation import Place
    from benchmarks.fidelity.torch_arrays import TorchArrays

PROMPT = some_tokens(32)

N_FED = 32

OURS, TORCH = "drugs_cpp", "PyTorch, float32"

NEEDED = ("torch", "gguf")


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second of greedy decoding, dosed at the simple sites."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        results.note(
            f"PyTorch: not measured, {' and '.join(missing)} cannot be imported: pip install 'drugs_cpp[fidelity]'"
        )
        return
    import torch

    from benchmarks.fidelity.architectures import open_model
    from benchmarks.fidelity.torch_arrays import TorchArrays

    torch.set_num_threads(setup.n_threads)
    arrays = TorchArrays()
    model = open_model(Path(setup.model), arrays)
    with torch.inference_mode(), contextlib.closing(setup.llama(n_ctx=256, drugs=dose(seed=1))) as llm:
        prompt = model.empty_cache(len(PROMPT) + N_FED)
        for token in PROMPT:
            model.step(token, prompt)
        sides: dict[str, Callable[[], float]] = {
            TORCH: partial(_torch_speed, model, prompt, _turns(arrays)),
            OURS: partial(_our_speed, llm),
        }
        speeds = alternate_numbers(sides, rounds, results.progress)
    title = f"{N_FED} tokens after {len(PROMPT)}, 5 sites dosed, {setup.n_threads} threads, {rounds} rounds"
    results.table(title, ["side", "tokens/s", "ratio"], compared(speeds, TORCH, 1))


def _turns(arrays: TorchArrays) -> Turn:
    """Return a function that turns the vectors of every simple site."""
    from benchmarks.fidelity.protocol import Dose
    from benchmarks.fidelity.rotation import FreshNumbers, Noise

    doses = [Dose(site, "isotropic", (ANGLE,)) for site in SIMPLE_SITES]
    turns = {
        dose.site: Noise(dose, dose.angles, len(PROMPT), FreshNumbers(dose.noise, dose.settings, arrays), arrays)
        for dose in doses
    }

    def turn(place: Place, x: Array) -> Array:
        return turns[place.site](place, x) if place.site in turns else x

    return turn


def _torch_speed(model: LlamaModel, prompt: Cache, turn: Turn) -> float:
    cache = prompt.fork(1)
    token = PROMPT[-1]
    start = time.perf_counter()
    for _ in range(N_FED):
        token = int(model.step(token, cache, turn)[0].argmax())
    return N_FED / (time.perf_counter() - start)


def _our_speed(llm: drugs_cpp.Llama) -> float:
    start = time.perf_counter()
    answer = llm.create_completion(PROMPT, max_tokens=N_FED + 1, seed=1)
    return (1 + n_fed_back(answer)) / (time.perf_counter() - start)  # with the prompt's last token
