"""Sites K and V by the number of cached positions, and beside turning every copy of every key and value."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import gguf
import numpy as np

from benchmarks.report import progress
from benchmarks.side import ANGLE, Side
from benchmarks.speed import alternate, report
from drugs_cpp import _core

DOSES: dict[str, tuple[str, ...]] = {"sober": (), "K": ("K",), "V": ("V",), "K V": ("K", "V")}

#: cached positions, flash attention
CASES = ((256, False), (4096, False), (4096, True))

BRUTE_FORCE_ROUNDS = 5


def measure(patched: Path, model: str, n_threads: int, rounds: int, n_tokens: int) -> None:
    """Print tokens per second for each case, and what brute force would reach."""
    for n_past, flash_attn in CASES:
        with Side(patched, model, n_threads, n_past, flash_attn) as side:
            speeds = alternate({name: (side, sites) for name, sites in DOSES.items()}, rounds, n_tokens)
        attention = "flash attention" if flash_attn else "no flash attention"
        print(f"{n_past} cached positions, {attention}, {n_threads} threads, {rounds} rounds of {n_tokens} tokens:")
        report(speeds)
        seconds = brute_force(model, n_past, n_threads)
        brute = 1 / (statistics.median(1 / speeds["sober"]) + seconds)
        times = statistics.median(speeds["K V"]) / brute
        print(f"Brute force: {seconds * 1000:.1f} ms a token for the turns alone, at most {brute:.1f} tokens/s.")
        print(f"K V reaches {times:.1f} times that.\n", flush=True)


def brute_force(model: str, n_past: int, n_threads: int) -> float:
    """Seconds a token to draw d numbers for each query head and cached position, twice, in all layers.

    With this package's own vectorised rotation, the fastest at hand; scores and sums of the turned copies, which would
    have to be read from memory again, are not even counted.
    """
    fields = gguf.GGUFReader(model).fields
    architecture = fields["general.architecture"].contents()
    names = ("block_count", "attention.head_count", "embedding_length")
    n_layer, n_head, n_embd = (fields[f"{architecture}.{name}"].contents() for name in names)
    copies = np.ones((n_past, n_head, n_embd // n_head), np.float32)
    positions = np.arange(n_past)
    seconds = []
    for number in range(BRUTE_FORCE_ROUNDS + 1):
        start = time.perf_counter()
        _core.rotate(copies, ANGLE, number, positions, 0, "K", n_threads)
        seconds.append(time.perf_counter() - start)
        progress("brute force", number, BRUTE_FORCE_ROUNDS)
    return statistics.median(seconds[1:]) * 2 * int(n_layer)
