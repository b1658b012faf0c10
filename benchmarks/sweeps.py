"""Sweeps: texts written, kept and measured, compared with the same texts by variations."""

from __future__ import annotations

import contextlib
import tempfile
import time
from functools import partial
from pathlib import Path

import drugs_cpp
from benchmarks.alternate import alternate_numbers
from benchmarks.results import Results, compared
from benchmarks.setup import Setup
from drugs_cpp.study import Prompt, SweepPlan, WorkerOptions, make_plan, open_sweep
from drugs_cpp.study.sweep_run import SweepBook
from drugs_cpp.study.sweep_worker import SweepWorker

QUESTION = "What does it mean to mean?"

#: tokens of a text
N_NEW = 64

SITES, DOSES, SEEDS = ("A", "K"), (0.1, 0.2, 0.4), (1, 2, 3, 4, 5)

VARIATIONS, KEPT, MEASURED = "variations", "sweep --no-likelihood", "sweep"


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure new tokens per second, with models already loaded."""
    plan = make_plan(
        [Prompt("question", (("user", QUESTION),))], sites=SITES, doses=DOSES, seeds=SEEDS, max_tokens=N_NEW
    )
    with contextlib.ExitStack() as stack:
        llm = stack.enter_context(contextlib.closing(setup.llama(n_ctx=512, repeatable=True)))
        sides = {VARIATIONS: partial(_variations, llm, plan)}
        for name, likelihood in ((KEPT, False), (MEASURED, True)):
            options = WorkerOptions(n_threads=setup.n_threads, likelihood=likelihood)
            worker = stack.enter_context(SweepWorker(setup.model, plan, options))
            sides[name] = partial(_sweep, worker, plan, likelihood)
        found = alternate_numbers(sides, rounds, partial(results.progress, what="of a sweep"))
    title = f"A prompt's {plan.n_texts} texts of {N_NEW} tokens at {' and '.join(SITES)}, {rounds} rounds"
    results.table(title, ["", "new tokens/s", "ratio"], compared(found, VARIATIONS, 3))


def _variations(llm: drugs_cpp.Llama, plan: SweepPlan) -> float:
    texts = plan.texts()
    start = time.perf_counter()
    answer = llm.variations(
        messages=[{"role": "user", "content": QUESTION}],
        drugs=[setting.drugs for setting, _ in texts],
        seeds=[seed for _, seed in texts],
        max_tokens=N_NEW,
    )
    return float(answer["usage"]["completion_tokens"] / (time.perf_counter() - start))


def _sweep(worker: SweepWorker, plan: SweepPlan, likelihood: bool) -> float:
    n_tokens = 0
    with tempfile.TemporaryDirectory() as folder, open_sweep(Path(folder) / "results.db") as store:
        book = SweepBook(store, plan, worker.info)
        start = time.perf_counter()
        for todo in book.todo():
            for setting, row in worker.write(todo.prompt, todo.orders):
                book.keep(todo, worker.origin, setting, row)
                n_tokens += len(row.tokens)
        if likelihood:
            for _ in book.score(worker):
                pass
        return n_tokens / (time.perf_counter() - start)
