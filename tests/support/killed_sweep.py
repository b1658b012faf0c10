"""Sweeps in child processes, killed at random moments: python -m support.killed_sweep MODEL STORE KILLS."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing

from drugs_cpp.study import Prompt, SweepPlan, WorkerOptions, make_plan, sweep


def small_plan() -> SweepPlan:
    """About 600 texts, of a model whose tokens are ASCII characters."""
    prompts = [Prompt(name, text=f"{name} is what it is, and ") for name in "abcdef"]
    samplers = [{"temperature": 1.0, "min_p": 0.1}]
    return make_plan(prompts, sites=["A", "K"], doses=[0.3, 1.0], samplers=samplers, seeds=range(1, 21), max_tokens=12)


def small_sweep(model: str, store: str) -> None:
    sweep([model], small_plan(), store, WorkerOptions(n_threads=1, n_parallel=8))


def n_texts(store: str) -> int:
    """The number of texts in the store."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM text").fetchone()[0])
    except sqlite3.OperationalError:  # it does not exist yet
        return 0


def main(model: str, store: str, n_kills: int) -> None:
    """Print how many processes were killed before they finished; each has written a few texts, or none."""
    rng, killed = random.Random(5), 0
    for _ in range(n_kills):
        enough = n_texts(store) + rng.choice([0, 0, 1, 3, 6])
        child = os.fork()  # nothing of llama.cpp runs here yet
        if child == 0:
            small_sweep(model, store)
            os._exit(0)
        time.sleep(rng.uniform(0.0, 0.05))
        while n_texts(store) < enough and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    print(killed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
