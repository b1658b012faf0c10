"""Cold showers: compared with evaluating the same tokens for the first time, and as a switch to a sober twin."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import drugs_cpp
from benchmarks.alternate import alternate_numbers
from benchmarks.counting import n_fed_back
from benchmarks.results import Results, compared
from benchmarks.setup import Setup, dose
from benchmarks.worker import some_tokens

N_CLEAN = 100
N_DIRTY = 400

#: tokens of the texts that are generated with and without a twin
N_PROMPT = 32
N_NEW = 129

EVAL = "eval"
ALONE, TWIN = "alone", "with a sober twin"

NEVER = 10**6  # dirty tokens before a shower by itself


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure the time of a shower, and what a twin costs."""
    _beside_eval(setup, results, rounds)
    _with_twin(setup, results, rounds)


def _beside_eval(setup: Setup, results: Results, rounds: int) -> None:
    with contextlib.closing(setup.llama(n_ctx=1024, drugs=dose(seed=1))) as llm:
        llm.eval(some_tokens(N_CLEAN), dosed=False)
        sides: dict[str, Callable[[], float]] = {
            EVAL: partial(_eval, llm, False),
            "eval, dosed": partial(_eval, llm, True),
            "cold_shower": partial(_shower, llm),
        }
        times = alternate_numbers(sides, rounds, partial(results.progress, what="computed again"), "ms")
    title = f"{N_DIRTY} tokens after {N_CLEAN} clean ones, {setup.n_threads} threads, {rounds} rounds"
    results.table(title, ["side", "ms", "ratio"], compared(times, EVAL))


def _eval(llm: drugs_cpp.Llama, dosed: bool) -> float:
    """Measure milliseconds to evaluate the tokens after the clean ones."""
    llm.n_tokens = N_CLEAN  # the next eval drops what comes after
    tokens = some_tokens(N_CLEAN + N_DIRTY)[N_CLEAN:]
    return _ms(lambda: llm.eval(tokens, dosed=dosed))


def _shower(llm: drugs_cpp.Llama) -> float:
    """Measure milliseconds of a shower after the tokens became dirty."""
    _eval(llm, dosed=True)
    n_dirty = llm.dirty_count
    if n_dirty != N_DIRTY:
        raise SystemExit(f"benchmarks: {n_dirty} positions are dirty instead of {N_DIRTY}")
    return _ms(llm.cold_shower)


def _with_twin(setup: Setup, results: Results, rounds: int) -> None:
    with _dosed(setup) as alone, _dosed(setup, sober_twin=True) as both:
        sides: dict[str, Callable[[], float]] = {ALONE: partial(_speed, alone), TWIN: partial(_speed, both)}
        speeds = alternate_numbers(sides, rounds, partial(results.progress, what="with a twin"))
        switch: dict[str, Callable[[], float]] = {TWIN: partial(_switch, both)}
        times = alternate_numbers(switch, rounds, partial(results.progress, what="switches"), "ms", 3)
    rows = [[*row, times.get(name, "")] for name, row in zip(speeds, compared(speeds, ALONE))]
    about = f"{N_NEW} tokens after {N_PROMPT}, 5 sites dosed, {setup.n_threads} threads, {rounds} rounds"
    results.table(f"A sober twin, {about}", ["side", "tokens/s", "ratio", "cold_shower, ms"], rows)


@contextlib.contextmanager
def _dosed(setup: Setup, **kwargs: Any) -> Iterator[drugs_cpp.Llama]:
    with contextlib.closing(setup.llama(n_ctx=512, drugs=dose(seed=1), **kwargs)) as llm:
        llm.sober_interval = NEVER
        yield llm


def _speed(llm: drugs_cpp.Llama) -> float:
    """Measure tokens per second of a dosed text, with all of its prompt except the last token in the cache."""
    start = time.perf_counter()
    answer = llm.create_completion(some_tokens(N_PROMPT), max_tokens=N_NEW, seed=1)
    return (1 + n_fed_back(answer)) / (time.perf_counter() - start)


def _switch(llm: drugs_cpp.Llama) -> float:
    """Measure milliseconds of a shower after a dosed text."""
    _speed(llm)
    return _ms(llm.cold_shower)


def _ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)
