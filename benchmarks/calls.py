"""What calling from Python costs: ``create_completion``, ours and upstream's, compared with llama-bench's decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.alternate import alternate_numbers
from benchmarks.caller import N_NEW
from benchmarks.process import AnsweringProcess
from benchmarks.results import Results, compared
from benchmarks.setup import Setup
from benchmarks.side import ANGLE
from benchmarks.upstream_tools import LLAMA_BENCH, decoding_speed
from benchmarks.worker import SIMPLE_SITES

BENCH = LLAMA_BENCH.name


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second, and ratios to llama-bench within a round."""
    unpatched = {"LLAMA_CPP_LIB_PATH": str(setup.unpatched)}
    with _caller(setup, "llama_cpp", unpatched) as upstream, _caller(setup, "drugs_cpp", {}) as ours:
        sides: dict[str, Callable[[], float]] = {
            BENCH: partial(decoding_speed, setup, N_NEW - 1),
            "llama-cpp-python": partial(_speed, upstream, (), False),
            "llama-cpp-python, streamed": partial(_speed, upstream, (), True),
            "drugs_cpp, sober": partial(_speed, ours, (), False),
            "drugs_cpp, sober, streamed": partial(_speed, ours, (), True),
            "drugs_cpp, 5 sites dosed": partial(_speed, ours, SIMPLE_SITES, False),
            "drugs_cpp, 5 sites dosed, streamed": partial(_speed, ours, SIMPLE_SITES, True),
        }
        speeds = alternate_numbers(sides, rounds, results.progress)
    title = f"Greedy completions of {N_NEW} tokens, {setup.n_threads} threads, {rounds} rounds"
    results.table(title, ["side", "tokens/s", "ratio"], compared(speeds, BENCH))


def _caller(setup: Setup, module: str, environment: dict[str, str]) -> AnsweringProcess:
    return AnsweringProcess("benchmarks.caller", [module, setup.model, str(setup.n_threads)], environment)


def _speed(caller: AnsweringProcess, sites: Sequence[str], stream: bool) -> float:
    """Return tokens per second of one call."""
    answer = caller.ask({"sites": list(sites), "angle": ANGLE, "stream": stream})
    return float(answer["tokens"] / answer["seconds"])
