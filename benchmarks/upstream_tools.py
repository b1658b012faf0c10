"""Upstream's own benchmark programs, unpatched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.setup import UPSTREAM_PROGRAMS, Setup, folder

LLAMA_BENCH = Path("llama-bench")
BATCHED_BENCH = Path("llama-batched-bench")

#: a cache of several sequences gives each a multiple of this many positions
PADDING = 256

#: more layers than any model has
ALL_LAYERS = 999


class BatchedTimes(NamedTuple):
    """What llama-batched-bench found, in seconds."""

    whole: float  # prompt and decoding, without copying the prompt to all sequences
    decoding: float


def decoding_speed(setup: Setup, n_tokens: int) -> float:
    """Return the tokens per second that llama-bench measures, decoding one sequence from an empty cache."""
    options = ["-t", str(setup.n_threads), "-p", "0", "-n", str(n_tokens), "-r", "1", "-ngl", "0", "-fa", "0"]
    found = json.loads(_output(LLAMA_BENCH, ["-m", setup.model, *options, "-o", "json"]))
    return float(found[0]["avg_ts"])


def batched_times(setup: Setup, n_sequences: int, n_prompt: int, n_tokens: int) -> BatchedTimes:
    """Return the seconds that llama-batched-bench measures for a prompt and ``n_tokens`` more in several sequences."""
    n_ctx = n_sequences * -(-(n_prompt + n_tokens) // PADDING) * PADDING
    numbers = {
        "-t": setup.n_threads,
        "-tb": setup.n_threads,
        "-c": n_ctx,
        "-b": 512,  # as in llama-cpp-python
        "-ub": 512,
        "-npp": n_prompt,
        "-ntg": n_tokens,
        "-npl": n_sequences,
    }
    options = [word for name, number in numbers.items() for word in (name, str(number))]
    layers = 0 if setup.n_gpu_layers == 0 else ALL_LAYERS
    command = ["-m", setup.model, *options, "-ngl", str(layers), "-fa", "off", "-pps", "--output-format", "jsonl"]
    lines = _output(BATCHED_BENCH, command).splitlines()
    found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))
    return BatchedTimes(found["t"], found["t_tg"])


def _output(program: Path, options: Sequence[str]) -> str:
    run = subprocess.run(
        [str(folder(UPSTREAM_PROGRAMS) / program), *options], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise SystemExit(f"benchmarks: {program.name} ended with status {run.returncode}:\n{run.stderr[-2000:]}")
    return run.stdout
