"""``python -m benchmarks``: see ``--help``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import drugs_cpp
from benchmarks import (
    busy,
    cached,
    calls,
    explorer,
    gpu,
    growth,
    instructions,
    memory,
    ray_driver,
    reference,
    repeatable,
    serving,
    showers,
    speed,
    sweeps,
    traces,
    variations,
)
from benchmarks.machine import machine, model_file, warn_of_load
from benchmarks.results import Results
from benchmarks.setup import UPSTREAM_PROGRAMS, Setup
from benchmarks.upstream_tools import LLAMA_BENCH


class Part(NamedTuple):
    """Something to measure."""

    measure: Callable[[Setup, Results, int], None]
    rounds: int


PARTS = {
    "speed": Part(speed.measure, 60),
    "cached": Part(cached.measure, 16),
    "variations": Part(variations.measure, 3),
    "traces": Part(traces.measure, 3),
    "sweeps": Part(sweeps.measure, 5),
    "calls": Part(calls.measure, 12),
    "showers": Part(showers.measure, 12),
    "serving": Part(serving.measure, 12),
    "busy": Part(busy.measure, 6),
    "repeatable": Part(repeatable.measure, 5),
    "memory": Part(memory.measure, 3),
    "instructions": Part(instructions.measure, 1),
    "reference": Part(reference.measure, 10),
    "explorer": Part(explorer.measure, 10),
    "ray_driver": Part(ray_driver.measure, 3),
}

ALL = "all"
GROWTH = "growth"
GPU = "gpu"

GPU_ROUNDS = 20


#: parts that take long and have their own options
STUDIES = {
    name: f"benchmarks.{name}.__main__" for name in ("effects", "diversity", "uncertainty", "verbatim", "programs")
}


def main() -> int:
    if sys.argv[1:2] and sys.argv[1] in STUDIES:
        study: int = importlib.import_module(STUDIES[sys.argv[1]]).main(sys.argv[2:])
        return study
    options = _options()
    parts = list(PARTS) if options.what == ALL else [options.what]
    setup = Setup(str(Path(options.model or drugs_cpp.default_model()).absolute()), options.threads, options.tokens)
    tools = os.environ.get(UPSTREAM_PROGRAMS)
    about = {
        "machine": machine(Path(tools) / LLAMA_BENCH if tools else None),
        "model": model_file(setup.model),
        "threads": setup.n_threads,
    }
    print(json.dumps(about, indent=1), "\n", flush=True)
    results = Results(options.output or default_output(options.what), about, parts)
    warn_of_load()
    failed = [part for part in parts if not _measure(part, setup, results, options)]
    results.end()
    print(f"benchmarks: {results.output} has all of this, and every single measurement", file=sys.stderr)
    if failed:
        print(f"benchmarks: not measured: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def _measure(part: str, setup: Setup, results: Results, options: argparse.Namespace) -> bool:
    """Measure a part; returns False if that failed, which does not keep the other parts from being measured."""
    results.begin(part)
    try:
        if part == GROWTH:
            growth.measure(setup, results, options.minutes)
        elif part == GPU:
            gpu.measure(setup, results, options.rounds or GPU_ROUNDS)
        else:
            PARTS[part].measure(setup, results, options.rounds or PARTS[part].rounds)
    except SystemExit as error:  # explains itself
        results.note(f"{part}: not measured: {str(error).removeprefix('benchmarks: ')}")
    except Exception as error:
        traceback.print_exc()
        results.note(f"{part}: not measured: {error!r}")
    else:
        return True
    return False


def default_output(what: str) -> Path:
    """Return the file for a run of all parts, or another one for a single part, which would replace the rest."""
    return Path("build", "bench.json" if what == ALL else f"bench-{what}.json")


def _options() -> argparse.Namespace:
    defaults = ", ".join(f"{name} {part.rounds}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what dosing costs compared with upstream. Prints tables and writes all results to a file.",
    )
    parts = [ALL, *PARTS, GROWTH, GPU]
    parser.add_argument(
        "what",
        nargs="?",
        choices=parts,
        default=ALL,
        help=f"{ALL}: all except {GROWTH} and {GPU}; also {', '.join(STUDIES)}, which have their own --help",
    )
    parser.add_argument("-m", "--model", help="a GGUF model (the default model)")
    parser.add_argument("-t", "--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("-r", "--rounds", type=int, help=f"rounds of every part; default: {defaults}")
    parser.add_argument("-n", "--tokens", type=int, default=16, help="tokens per speed measurement (%(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help=f"how long {GROWTH} takes (%(default)s)")
    files = f"default: {default_output(ALL)}, and for one part {default_output('PART')}"
    parser.add_argument("-o", "--output", type=Path, help=f"file for all results; {files}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
