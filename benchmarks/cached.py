"""Sites K and V by the number of cached positions, and compared with turning every copy of every key and value."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import llama_cpp
import numpy as np

from benchmarks.alternate import Progress, alternate_numbers
from benchmarks.measured import RATIO, Measured
from benchmarks.results import Results, compared
from benchmarks.setup import Setup
from benchmarks.side import ANGLE, Side
from benchmarks.speed import HEAD, SOBER, doses
from drugs_cpp import _core

BOTH = "K V"

DOSES: dict[str, tuple[str, ...]] = {SOBER: (), "K": ("K",), "V": ("V",), BOTH: ("K", "V")}

#: cached positions, flash attention
CASES = ((256, False), (4096, False), (4096, True))

NATIVE = ""
AVX2 = ", AVX2 alone"

BRUTE_FORCE_ROUNDS = 5

BRUTE_FORCE = "every copy turned: at most"


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second for each case, and what brute force would reach."""
    n_heads = _numbers(setup)
    for n_past, flash_attn in CASES:
        attention = "flash attention" if flash_attn else "no flash attention"
        case = f"{n_past} positions, {attention}"
        by_build = _speeds(setup, n_past, flash_attn, rounds, partial(results.progress, what=case))
        rounds_of = f"{rounds} rounds of {setup.n_tokens} tokens"
        title = f"{n_past} cached positions, {attention}, {setup.n_threads} threads, {rounds_of}"
        for build, speeds in by_build.items():
            if build != NATIVE or setup.n_gpu_layers != 0:
                results.table(f"{title}{build}", HEAD, compared(speeds, SOBER))
                continue
            turns = _brute_force(*n_heads, n_past, setup.n_threads, partial(results.progress, what="brute force"))
            speeds[BRUTE_FORCE] = brute_force_speed(speeds[SOBER], turns)
            results.table(title, HEAD, compared(speeds, SOBER))
            times = Measured(speeds[BOTH].median / speeds[BRUTE_FORCE].samples, RATIO, 1, BRUTE_FORCE)
            head = ("positions", "ms per token for turning every copy", f"speed of {BOTH}")
            results.table("Turning every copy of every key and value", head, [[str(n_past), turns, times]])


def _speeds(
    setup: Setup, n_past: int, flash_attn: bool, rounds: int, progress: Progress
) -> dict[str, dict[str, Measured]]:
    """Measure tokens per second by build and dose, with all sides taking turns."""
    with contextlib.ExitStack() as stack:
        sides: dict[tuple[str, str], Callable[[], float]] = {}
        for build, folder in _builds(setup).items():
            environment = {"LD_LIBRARY_PATH": str(folder)}  # the libraries refer to each other without a folder
            side = Side(
                folder, setup.model, setup.n_threads, n_past, flash_attn, setup.n_gpu_layers, environment=environment
            )
            dosed = doses(stack.enter_context(side), DOSES, setup.n_tokens)
            sides |= {(build, name): speed for name, speed in dosed.items()}
        named = {f"{name}{build}": speed for (build, name), speed in sides.items()}
        speeds = alternate_numbers(named, rounds, progress)
    return {build: {name: speeds[f"{name}{build}"] for name in DOSES} for build, _ in sides}


def _builds(setup: Setup) -> dict[str, Path]:
    """Return title of a build -> its libraries: the one for this processor, and if it has AVX-512, one without."""
    on_card = setup.n_gpu_layers != 0
    has_avx512 = b"AVX512 = 1" in llama_cpp.llama_print_system_info()
    return {NATIVE: setup.patched, **({AVX2: setup.avx2} if has_avx512 and not on_card else {})}


def brute_force_speed(sober: Measured, turns: Measured) -> Measured:
    """Return tokens per second if the turns (ms per token) come in addition to everything else; one sample."""
    seconds = 1 / sober.median + turns.median / 1000
    return Measured(np.array([1 / seconds]), sober.unit)


def _numbers(setup: Setup) -> tuple[int, int, int]:
    """Return the number of layers, the number of query heads, and a head's length."""
    with contextlib.closing(setup.llama(n_ctx=16)) as llm:
        metadata = llm.metadata
    names = ("block_count", "attention.head_count", "embedding_length")
    n_layer, n_head, n_embd = (int(metadata[f"{metadata['general.architecture']}.{name}"]) for name in names)
    return n_layer, n_head, n_embd // n_head


def _brute_force(n_layer: int, n_head: int, d: int, n_past: int, n_threads: int, progress: Progress) -> Measured:
    """Measure milliseconds per token to draw d numbers for each query head and cached position, twice, in all layers.

    This uses the package's own vectorised rotation, the fastest available. Scores and sums of the turned copies, which
    would have to be read from memory again, are not even counted.
    """
    copies = np.ones((n_past, n_head, d), np.float32)
    positions = np.arange(n_past)
    seconds = []
    for number in range(BRUTE_FORCE_ROUNDS + 1):
        start = time.perf_counter()
        _core.rotate(copies, ANGLE, number, positions, 0, "K", n_threads)
        seconds.append(time.perf_counter() - start)
        progress(number, BRUTE_FORCE_ROUNDS)
    return Measured(np.array(seconds[1:]) * 1000 * 2 * n_layer, "ms")
