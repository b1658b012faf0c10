"""Sweeps on Ray: how many texts per second one machine receives from workers and writes, and how large they are."""

from __future__ import annotations

import contextlib
import pickle
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measured import Measured
from benchmarks.results import Results
from benchmarks.setup import Setup
from drugs_cpp.extras import extra
from drugs_cpp.study.machine import build, cpu_name
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.ray_cluster import LOCAL, connected
from drugs_cpp.study.ray_crew import Crew
from drugs_cpp.study.ray_worker import Orders, RayWorker
from drugs_cpp.study.sweep_jobs import Job, TextJob, TextResult, text_jobs
from drugs_cpp.study.sweep_plan import SweepPlan, make_plan
from drugs_cpp.study.sweep_queue import JobQueue
from drugs_cpp.study.sweep_run import SweepBook, open_sweep
from drugs_cpp.study.sweep_store import ModelInfo, TextRow
from drugs_cpp.study.sweep_worker import WorkerOptions

#: workers on this machine that have their texts ready
N_WORKERS = 2

#: tokens of a text, and bytes of each
N_TOKENS, BYTES_PER_TOKEN = 128, 4.4

#: number of streams that a driver of 1,000 workers checks
N_STREAMS, N_ACTORS = 1000, 4

#: texts of a job, as in a sweep
SIZE = 32

ORIGIN = {**build(), "cpu": cpu_name(), "repeatable": True, "gpu_layers": 0}


class ReadyWorker(RayWorker):
    """Computes nothing, so that only the driver is measured."""

    def do(self, job: Job, orders: Orders) -> Iterator[Any]:
        assert isinstance(job, TextJob)
        n_embd = int(orders.sha256[job.model])
        for setting, seed in job.todo.orders:
            yield TextResult(setting, some_row(seed, n_embd), ORIGIN)


class Idle:
    """Streams that yield nothing."""

    def wait(self, seconds: float) -> Iterator[int]:
        time.sleep(seconds)
        yield 0


class Taken(NamedTuple):
    """What a round measured."""

    texts_per_second: float
    driver_ms: float
    bytes_in_store: float


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure texts per second through Ray into a store, and the time to check 1,000 streams."""
    with contextlib.closing(setup.llama(n_ctx=512)) as llm:
        n_embd = llm.n_embd()
    extra("ray", "ray").init(
        address=LOCAL,
        num_cpus=N_WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )
    with connected(LOCAL) as ray:
        taken = [_take(ray, n_embd) for _ in _counted(results, rounds)]
        looks = _looks(ray, rounds)
        ray.shutdown()
    sent = len(pickle.dumps(TextResult(make().settings[1], some_row(1, n_embd), ORIGIN), protocol=5))
    results.table(
        f"Texts of {N_TOKENS} tokens, {n_embd} numbers each, {N_WORKERS} workers that have them ready, {rounds} rounds",
        ["", "value"],
        [
            ["taken and written", Measured(np.array([t.texts_per_second for t in taken]), "texts/s")],
            [
                "the driver's processor time per text",
                Measured(np.array([t.driver_ms for t in taken]), "ms", digits=2),
            ],
            ["checking 1,000 streams", Measured(np.array(looks), "ms")],
            ["in the store", Measured(np.array([t.bytes_in_store for t in taken]), "bytes", digits=0)],
            ["through the network", Measured(np.array([float(sent)]), "bytes", digits=0)],
        ],
    )


def _counted(results: Results, rounds: int) -> Iterator[int]:
    for number in range(rounds):
        results.progress(number, rounds)
        yield number
    results.progress(rounds, rounds)


def make() -> SweepPlan:
    """Return a plan with a few thousand texts."""
    prompts = [Prompt(f"prompt {number}", text=f"{number}") for number in range(20)]
    return make_plan(prompts, sites=["A", "H"], doses=[0.1, 0.2, 0.3, 0.4, 0.5], seeds=range(20))


def some_row(seed: int, n_embd: int) -> TextRow:
    """Return a row as large as a real one, and as hard to compress."""
    rng = np.random.default_rng(seed)
    return TextRow(
        seed=seed,
        tokens=rng.integers(0, 50_000, N_TOKENS, np.int32),
        text=rng.bytes(int(N_TOKENS * BYTES_PER_TOKEN / 2)).hex(),
        ending="length",
        log_likelihood=-2.5,
        parted=3,
        compressibility=0.5,
        repeated=0.0,
        embedding=rng.standard_normal(n_embd).astype(np.float16),
        seconds=2.0,
    )


def _take(ray: Any, n_embd: int) -> Taken:
    plan = make()
    orders = Orders(plan, WorkerOptions(), {"model": str(n_embd)})
    with tempfile.TemporaryDirectory() as folder, Crew(ray, 1, orders, build(), ReadyWorker) as crew:
        path = Path(folder) / "sweep.db"
        with open_sweep(path) as store:
            book = SweepBook(store, plan, ModelInfo("0" * 64, "model", "Q4_1", "llama"))
            queue = JobQueue(job for todo in book.todo() for job in text_jobs("model", todo, SIZE))
            n, start, began = 0, 0.0, 0.0
            for job, result in crew.run(queue):
                if n == 0:  # workers have started
                    start, began = time.perf_counter(), time.process_time()
                assert isinstance(job, TextJob)
                book.keep(job.todo, result.origin, result.setting, result.row)
                n += 1
            seconds, busy = time.perf_counter() - start, time.process_time() - began
        return Taken(n / seconds, 1000 * busy / n, path.stat().st_size / n)


def _looks(ray: Any, rounds: int) -> list[float]:
    """Measure milliseconds to check the streams of 1,000 workers, of which none is ready."""
    actor = ray.remote(Idle)
    idle = [actor.options(num_cpus=0, max_concurrency=N_STREAMS // N_ACTORS).remote() for _ in range(N_ACTORS)]
    wait = [one.wait.options(num_returns="streaming") for one in idle]
    streams = [wait[number % N_ACTORS].remote(120.0) for number in range(N_STREAMS)]
    found = []
    for _ in range(10 * rounds):
        start = time.perf_counter()
        ray.wait(streams, num_returns=len(streams), timeout=0, fetch_local=False)
        found.append(1000 * (time.perf_counter() - start))
    for one in idle:
        ray.kill(one)
    return found
