"""Tokens per second while other processes keep processors busy: Python, program and server, and upstream's."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.alternate import alternate_numbers
from benchmarks.measured import Measured
from benchmarks.process import AnsweringProcess
from benchmarks.results import Cell, Results
from benchmarks.server_process import ServerProcess
from benchmarks.serving import DRUGS, GREEDY, PROMPTS
from benchmarks.setup import UPSTREAM_PROGRAMS, Setup, folder
from benchmarks.upstream_tools import LLAMA_BENCH

#: number of other busy processes -> tokens of one measurement; few with others, where a token may take seconds
BUSY = {0: 48, 1: 8, 2: 8}

N_CTX = 512

#: a process with one thread that is always busy
BUSY_PROCESS = (sys.executable, "-c", "print(flush=True)\nwhile True: pass")

EVAL_TIME = re.compile(r" {2,}eval time =.*?([0-9.]+) tokens per second")

#: measures tokens per second for a number of tokens
Speed = Callable[[int], float]


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second of each side with 0, 1 and 2 busy processes, and how much of its share that is."""
    with contextlib.ExitStack() as stack:
        sides = _sides(setup, stack)
        pairs = {_name(side, n): partial(_beside, n, speed) for side, speed in sides.items() for n in BUSY}
        speeds = alternate_numbers(pairs, rounds, results.progress)
    title = f"Beside busy processes, {setup.n_threads} threads, {rounds} rounds"
    for n_busy in BUSY:
        share = share_of(_usable_processors(), setup.n_threads, n_busy)
        head = ["side", "tokens/s", "of idle", f"of its share, {share:.2f}"] if n_busy else ["side", "tokens/s"]
        results.table(f"{title}, {n_busy} busy, {BUSY[n_busy]} tokens", head, _rows(speeds, list(sides), n_busy, share))


def share_of(n_processors: int, n_threads: int, n_busy: int) -> float:
    """Return the part of its speed that a program keeps if its threads need not wait for each other.

    Every thread gets an equal share of the processors, and at most one processor.
    """
    return min(1.0, n_processors / (n_threads + n_busy)) / min(1.0, n_processors / n_threads)


def _rows(speeds: Mapping[str, Measured], sides: Sequence[str], n_busy: int, share: float) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for side in sides:
        speed = speeds[_name(side, n_busy)]
        of_idle = speed.against(speeds[_name(side, 0)], "idle", 2)
        of_share = Measured(of_idle.samples / share, of_idle.unit, 2)
        rows.append([side, speed, of_idle, of_share] if n_busy else [side, speed])
    return rows


def _name(side: str, n_busy: int) -> str:
    return f"{side}, {n_busy} busy"


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _beside(n_busy: int, speed: Speed) -> float:
    with contextlib.ExitStack() as stack:
        for _ in range(n_busy):
            stack.enter_context(_busy_process())
        return speed(BUSY[n_busy])


@contextlib.contextmanager
def _busy_process() -> Iterator[None]:
    process = subprocess.Popen(BUSY_PROCESS, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it has started
        yield
    finally:
        process.kill()
        process.communicate()


#
# sides
#


def _sides(setup: Setup, stack: contextlib.ExitStack) -> dict[str, Speed]:
    unpatched = {"LLAMA_CPP_LIB_PATH": str(setup.unpatched)}
    programs = folder(UPSTREAM_PROGRAMS)
    return {
        "llama-cpp-python": _python(setup, stack, "llama_cpp", unpatched),
        "drugs_cpp": _python(setup, stack, "drugs_cpp", {}),
        "llama-bench": partial(_bench_speed, setup, [programs / LLAMA_BENCH]),
        "drugs bench": partial(_bench_speed, setup, [DRUGS, "bench"]),
        "drugs completion": partial(_completion_speed, setup),
        "llama-server": _server(setup, stack, [programs / "llama-server"]),
        "drugs serve": _server(setup, stack, [DRUGS, "serve"]),
    }


def _python(setup: Setup, stack: contextlib.ExitStack, module: str, environment: Mapping[str, str]) -> Speed:
    arguments = [module, setup.model, str(setup.n_threads)]
    caller = stack.enter_context(AnsweringProcess("benchmarks.caller", arguments, environment))
    return partial(_python_speed, caller)


def _python_speed(caller: AnsweringProcess, n_new: int) -> float:
    answer = caller.ask({"sites": [], "angle": 0, "stream": False, "n_new": n_new})
    return float(answer["tokens"] / answer["seconds"])


def _server(setup: Setup, stack: contextlib.ExitStack, command: Sequence[str | Path]) -> Speed:
    options = ["-m", setup.model, "-t", str(setup.n_threads), "-c", str(N_CTX), "-np", "1", "--log-verbosity", "0"]
    return partial(_server_speed, stack.enter_context(ServerProcess(command, options)))


def _server_speed(server: ServerProcess, n_new: int) -> float:
    start = time.perf_counter()
    answer: dict[str, Any] = server.post("/completion", {"prompt": PROMPTS[0], "n_predict": n_new, **GREEDY})
    return float(answer["tokens_predicted"]) / (time.perf_counter() - start)


def _bench_speed(setup: Setup, program: Sequence[str | Path], n_new: int) -> float:
    """Return the speed that a program measures itself, after a run of one token that it does not count."""
    options = ["-m", setup.model, "-t", str(setup.n_threads), "-p", "0", "-n", str(n_new), "-r", "1", "-ngl", "0"]
    return float(json.loads(_run([*program, *options, "-o", "json"]).stdout)[0]["avg_ts"])


def _completion_speed(setup: Setup, n_new: int) -> float:
    """Return the speed that the program reports at its end; loading the model does not count."""
    options = ["-m", setup.model, "-t", str(setup.n_threads), "-c", str(N_CTX), "-n", str(n_new)]
    greedy = ["--temp", "0", "--ignore-eos"]
    run = _run([DRUGS, "completion", "-no-cnv", "-p", PROMPTS[0], *options, *greedy])
    found = EVAL_TIME.search(run.stderr + run.stdout)
    if not found:
        raise SystemExit(f"benchmarks: drugs completion did not say how fast it was:\n{run.stderr[-2000:]}")
    return float(found[1])


def _run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        name = Path(command[0]).name
        raise SystemExit(f"benchmarks: {name} ended with status {run.returncode}:\n{run.stderr[-2000:]}")
    return run
