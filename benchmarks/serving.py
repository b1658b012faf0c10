"""Several clients of a server at once, compared with upstream's; and the time from a program's start to a token."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.alternate import alternate_numbers
from benchmarks.results import Results, compared
from benchmarks.server_process import ServerProcess
from benchmarks.setup import UPSTREAM_PROGRAMS, Setup, folder
from benchmarks.side import ANGLE
from benchmarks.worker import SIMPLE_SITES

N_CLIENTS = 8
N_NEW = 96
N_CTX = N_CLIENTS * 512

#: both sides choose the most likely token and look at nothing else
GREEDY = {"temperature": 0, "samplers": ["temperature"], "ignore_eos": True, "cache_prompt": False}

PROMPTS = [
    f"{opening}, and told nobody about it until the winter came."
    for opening in (
        "The keeper of the lighthouse found a door behind the lamp",
        "A clockmaker in Lisbon built a watch that ran backwards",
        "My grandmother kept bees on the roof of the opera house",
        "The cartographer drew an island that was not there",
        "Two physicists shared a bicycle for eleven years",
        "In the archive there was a box without a number",
        "The river changed its bed on a Tuesday in March",
        "She had learned to read from a book of tides",
    )
]

UPSTREAM, SOBER = "upstream's server, sober", "drugs serve, sober"
DOSED = f"drugs serve, {len(SIMPLE_SITES)} sites dosed, {N_CLIENTS} seeds"

#: the program, as the wheel has installed it next to Python
DRUGS = Path(sys.executable).parent / "drugs"


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure total tokens per second, and milliseconds."""
    _clients(setup, results, rounds)
    _start(setup, results, rounds)


def _clients(setup: Setup, results: Results, rounds: int) -> None:
    options = [
        "-m",
        setup.model,
        "-t",
        str(setup.n_threads),
        "-c",
        str(N_CTX),
        "-np",
        str(N_CLIENTS),
        "--log-verbosity",
        "0",
    ]
    upstream = folder(UPSTREAM_PROGRAMS) / "llama-server"
    with ServerProcess([upstream], options) as theirs, ServerProcess([DRUGS, "serve"], options) as ours:
        sides: dict[str, Callable[[], float]] = {
            UPSTREAM: partial(_speed, theirs, lambda _: {}),
            SOBER: partial(_speed, ours, lambda _: {"drugs": {}}),
            DOSED: partial(_dosed_speed, ours),
        }
        speeds = alternate_numbers(sides, rounds, partial(results.progress, what="clients"))
    title = f"{N_CLIENTS} clients at once, {N_NEW} tokens each, {setup.n_threads} threads, {rounds} rounds"
    results.table(title, ["side", "tokens/s of all", "ratio"], compared(speeds, UPSTREAM))


def _dosed_speed(server: ServerProcess) -> float:
    speed = _speed(server, lambda client: {"drugs": {**dict.fromkeys(SIMPLE_SITES, ANGLE), "seed": client}})
    server.post("/slots/-1?action=shower", {})  # otherwise it would shower by itself during the next side's time
    return speed


def _speed(server: ServerProcess, fields: Callable[[int], dict[str, Any]]) -> float:
    """Measure tokens per second of all clients together, from the first request to the last answer."""

    def ask(client: int) -> int:
        body = {"prompt": PROMPTS[client], "n_predict": N_NEW, **GREEDY, **fields(client)}
        return int(server.post("/completion", body)["tokens_predicted"])

    start = time.perf_counter()
    with ThreadPoolExecutor(N_CLIENTS) as pool:
        n_tokens = sum(pool.map(ask, range(N_CLIENTS)))
    seconds = time.perf_counter() - start
    if n_tokens != N_CLIENTS * N_NEW:
        raise SystemExit(f"benchmarks: {n_tokens} tokens instead of {N_CLIENTS * N_NEW}")
    return n_tokens / seconds


def _start(setup: Setup, results: Results, rounds: int) -> None:
    completion = ["completion", "-no-cnv", "--no-display-prompt", "-n", "1"]
    sides: dict[str, Callable[[], float]] = {
        "drugs completion": partial(_ms_to_first_token, setup, [*completion, "-p"]),
        "drugs completion, dosed": partial(_ms_to_first_token, setup, [*completion, "--dose", "A=0.1", "-p"]),
        "drugs chat, dosed": partial(_ms_to_first_token, setup, ["chat", "-st", "-n", "1", "--dose", "A=0.1", "-p"]),
    }
    times = alternate_numbers(sides, rounds, partial(results.progress, what="starts"), "ms", 0)
    title = f"From the start to the end of a run of one token, {setup.n_threads} threads, {rounds} rounds"
    results.table(title, ["side", "ms"], [[name, time] for name, time in times.items()])


def _ms_to_first_token(setup: Setup, arguments: list[str]) -> float:
    """Measure milliseconds of a whole run, which is longer than the time to its only token."""
    command = [str(DRUGS), *arguments, PROMPTS[0]]
    options = ["-m", setup.model, "-t", str(setup.n_threads)]
    start = time.perf_counter()
    subprocess.run([*command, *options], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return 1000 * (time.perf_counter() - start)
