"""Traces: what reading a position costs, and a whole vergence study compared with as many new tokens of variations."""

from __future__ import annotations

import contextlib
import time
from functools import partial

import psutil

import drugs_cpp
from benchmarks.alternate import alternate_numbers
from benchmarks.results import Results, compared
from benchmarks.setup import Setup
from benchmarks.worker import some_tokens
from drugs_cpp import DRUGS, _core
from drugs_cpp.engine.recorder import Parts, Recorder
from drugs_cpp.study import vergence
from drugs_cpp.study.grid import DEFAULT_ANGLES, DEFAULT_SEEDS, NEAR

TEXT = some_tokens(100)

#: tokens that are decoded one by one, with and without a trace
N_DECODED = 32

#: texts of variations at a time, and new tokens of each
N_TEXTS, N_NEW = 16, 64

SITES = ("A", "K")

PLAIN, TRACED, VARIATIONS = "without a trace", "all hidden states of the last position read", f"variations(n={N_TEXTS})"


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second, one by one and in a grid, and the memory that a grid needs."""
    with contextlib.closing(setup.llama(n_ctx=512)) as llm:
        loaded, most = _memory(), [0.0]
        _one_by_one(llm, results, 4 * rounds)
        for site in SITES:
            _grid(llm, results, rounds, site, most)
        results.note(
            f"Memory: at most {most[0] - loaded:.0f} MB above the loaded model, including the slots of variations."
        )


def _one_by_one(llm: drugs_cpp.Llama, results: Results, rounds: int) -> None:
    sides = {PLAIN: partial(_decode, llm, False), TRACED: partial(_decode, llm, True)}
    found = alternate_numbers(sides, rounds, partial(results.progress, what="with and without a trace"))
    title = f"Decoding with a trace, {N_DECODED} tokens after {len(TEXT)}, {rounds} rounds"
    results.table(title, ["", "tokens/s", "ratio"], compared(found, PLAIN, 3))


def _decode(llm: drugs_cpp.Llama, traced: bool) -> float:
    """Measure sober tokens per second, one by one."""
    session = llm.engine.session
    layers = range(_core.n_layer(session.address) + 1)
    recorder = Recorder(session.address, Parts(layers))
    llm.reset()
    llm.eval(TEXT)
    if traced:
        recorder.resume()
    start = time.perf_counter()
    for token in some_tokens(N_DECODED):
        llm.eval([token])
        if traced:
            recorder.take()
    seconds = time.perf_counter() - start
    recorder.end()
    return N_DECODED / seconds


def _grid(llm: drugs_cpp.Llama, results: Results, rounds: int, site: str, most: list[float]) -> None:
    sides = {VARIATIONS: partial(_variations, llm, site), "vergence": partial(_study, llm, site, most)}
    found = alternate_numbers(sides, rounds, partial(results.progress, what=f"of site {site}"))
    n_runs = _core.n_layer(llm.engine.session.address) * len(DEFAULT_ANGLES) * len(DEFAULT_SEEDS)
    title = f"A study of {n_runs} runs at {site}, each layer with its neighbours, {len(TEXT)} tokens, {rounds} rounds"
    results.table(title, ["", "dosed tokens/s", "ratio"], compared(found, VARIATIONS, 3))


def _variations(llm: drugs_cpp.Llama, site: str) -> float:
    start = time.perf_counter()
    doses = DRUGS(seed=1)
    doses.set_dose_theta(0.4, site)
    answer = llm.variations(TEXT, n=N_TEXTS, drugs=doses, max_tokens=N_NEW)
    return float(answer["usage"]["completion_tokens"] / (time.perf_counter() - start))


def _study(llm: drugs_cpp.Llama, site: str, most: list[float]) -> float:
    def listen(*_: object) -> None:
        most[0] = max(most[0], _memory())

    start = time.perf_counter()
    result = vergence(llm, TEXT, sites=[site], windows=[NEAR], progress=listen)
    return result.kl.size / (time.perf_counter() - start)


def _memory() -> float:
    """Return the memory of this process, in MB."""
    return float(psutil.Process().memory_info().rss / 1e6)
