"""Several texts from one prompt, compared with upstream's own benchmark of batches and with single completions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import drugs_cpp
from benchmarks.alternate import alternate, alternate_numbers
from benchmarks.counting import n_fed_back
from benchmarks.measured import Measured
from benchmarks.results import Cell, Results, compared
from benchmarks.setup import Setup, dose
from benchmarks.upstream_tools import BATCHED_BENCH, batched_times
from benchmarks.worker import some_tokens

NUMBERS = (1, 4, 8, 16)

PROMPT = some_tokens(1000)

#: tokens that are fed back in each text; one more is chosen from the logits of the last one
N_FED = 64

#: rounds of the completions with which variations are compared, because they take long
ONE_BY_ONE_SHARE = 0.4

UPSTREAM = BATCHED_BENCH.name
OURS = "variations"


class Speed(NamedTuple):
    """Tokens per second of all texts together."""

    whole: float  # new tokens in the time of prompt and decoding
    decoding: float


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second compared with upstream's, and how much longer texts take one by one."""
    with contextlib.closing(setup.llama(n_ctx=len(PROMPT) + N_FED + 1, drugs=dose())) as llm:
        _beside_upstream(setup, results, rounds, llm)
        _one_by_one(results, max(1, round(ONE_BY_ONE_SHARE * rounds)), llm)


def _beside_upstream(setup: Setup, results: Results, rounds: int, llm: drugs_cpp.Llama) -> None:
    whole: list[list[Cell]] = []
    decoding: list[list[Cell]] = []
    for n in NUMBERS:
        sides: dict[str, Callable[[], Speed]] = {
            UPSTREAM: partial(_upstream, setup, n),
            OURS: partial(_ours, llm, n),
        }
        found = alternate(sides, rounds, partial(results.progress, what=f"of {n}"))
        whole.append(_row(n, [s.whole for s in found[UPSTREAM]], [s.whole for s in found[OURS]]))
        decoding.append(_row(n, [s.decoding for s in found[UPSTREAM]], [s.decoding for s in found[OURS]]))
    about = f"{N_FED} tokens in each text after {len(PROMPT)} of a prompt, {setup.n_threads} threads, {rounds} rounds"
    head = ["texts", f"{UPSTREAM}, sober, tokens/s", f"{OURS}, 5 sites dosed, tokens/s", "ratio"]
    results.table(f"Variations, {about}: new tokens, in the time of prompt and decoding", head, whole)
    results.note(
        "Our time includes creating the context and copying the prompt to all sequences; upstream's includes neither. "
        "Upstream's texts never end before the last token; ours may."
    )
    results.table(f"Variations, {about}: decoding alone", head, decoding)


def _row(n: int, upstream: list[float], ours: list[float]) -> list[Cell]:
    theirs, speed = (Measured(np.array(values), "tokens/s") for values in (upstream, ours))
    return [str(n), theirs, speed, speed.against(theirs, UPSTREAM)]


def _upstream(setup: Setup, n: int) -> Speed:
    times = batched_times(setup, n, len(PROMPT), N_FED)
    return Speed(n * N_FED / times.whole, n * N_FED / times.decoding)


def _ours(llm: drugs_cpp.Llama, n: int) -> Speed:
    llm.engine.slots.close()  # a new context is made, because only then the prompt is computed again
    return Speed(*(_vary(llm, n) for _ in range(2)))  # the second time, the prompt is already computed


def _vary(llm: drugs_cpp.Llama, n: int) -> float:
    """Measure tokens per second."""
    start = time.perf_counter()
    answer = llm.variations(PROMPT, n=n, seeds=1, max_tokens=N_FED + 1)
    return n_fed_back(answer) / (time.perf_counter() - start)


#
# one by one
#


def _one_by_one(results: Results, rounds: int, llm: drugs_cpp.Llama) -> None:
    n = NUMBERS[-1]
    together = f"{OURS}(n={n})"
    sides: dict[str, Callable[[], float]] = {
        together: partial(_seconds, _together, llm, n),
        f"{n} completions, the prompt computed for each": partial(_seconds, _apart, llm, n),
        f"{n} completions, the prompt cached": partial(_seconds, _in_a_row, llm, n),
    }
    seconds = alternate_numbers(sides, rounds, partial(results.progress, what="one by one"), "s", 2)
    title = f"{n} texts of {N_FED + 1} tokens after {len(PROMPT)}, 5 sites dosed, {rounds} rounds"
    results.table(title, ["side", "seconds", "ratio"], compared(seconds, together, 2))


def _seconds(run: Callable[[drugs_cpp.Llama, int], Any], llm: drugs_cpp.Llama, n: int) -> float:
    start = time.perf_counter()
    run(llm, n)
    return time.perf_counter() - start


def _together(llm: drugs_cpp.Llama, n: int) -> None:
    llm.engine.slots.close()
    llm.variations(PROMPT, n=n, seeds=1, max_tokens=N_FED + 1)


def _apart(llm: drugs_cpp.Llama, n: int) -> None:
    for seed in range(1, n + 1):
        llm.reset()
        llm.create_completion(PROMPT, max_tokens=N_FED + 1, seed=seed)


def _in_a_row(llm: drugs_cpp.Llama, n: int) -> None:
    """Run completions: the first computes the prompt, and later ones find it in the cache, as in llama-cpp-python."""
    llm.reset()
    for seed in range(1, n + 1):
        llm.create_completion(PROMPT, max_tokens=N_FED + 1, seed=seed)
