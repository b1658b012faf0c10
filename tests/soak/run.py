"""The soak itself: the answers of a server with one client, and those of a server with many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from soak import afterwards
from soak.answers import ask
from soak.client import Client, Company
from soak.findings import Findings
from soak.gate import Gate
from soak.questions import N_CTX, N_SLOTS, Question
from support.program import Server

#: for both servers. The prompt cache is small, so that it is soon full, and stays full
SERVER = (
    *("-np", str(N_SLOTS), "-c", str(N_SLOTS * N_CTX), "--repeatable", "--cache-ram", "8"),
    *("--chat-template", "chatml", "--slots", "--metrics", "--log-verbosity", "2"),
)
ALONE = (*SERVER, "-t", "1")

#: prompts in pieces that depend on the other requests
IN_COMPANY = (*SERVER, "-t", "2", "-b", "64", "-ub", "24")

SECONDS_BETWEEN_SAMPLES = 1


def alone(model: str, questions: Sequence[Question]) -> list[tuple[Question, Any]]:
    """The questions, each with the answer of a server that has nothing else to do."""
    with Server("-m", model, *ALONE) as server:
        asked = [(question, ask(server, question)) for question in questions]
    for question, answer in asked:
        if answer["status"] != question.status:
            raise RuntimeError(f"{question} is answered by {answer}")
    return asked


def in_company(
    model: str,
    asked: Sequence[tuple[Question, Any]],
    n_clients: int,
    seed: int,
    may_go_on: Callable[[], bool],
    findings: Findings,
    tell: Callable[[float], None] = lambda _: None,
) -> list[float]:
    """Let clients ask a server, and compare its answers.

    Args:
        model: path of a GGUF file.
        asked: the questions, and what the answers must be.
        n_clients: number of clients at the same time.
        seed: for the clients' choices.
        may_go_on: whether to begin another request.
        findings: gets what is wrong.
        tell: called with each sample of memory.

    Returns:
        The server's memory in MiB, every second.
    """
    with Server("-m", model, *IN_COMPANY) as server:
        company = Company(server, asked, may_go_on, findings, Gate())
        clients = [Client(company, f"{seed}.{number}") for number in range(n_clients)]
        for client in clients:
            client.start()
        mib = []
        while any(client.is_alive() for client in clients) and server.is_alive:
            mib.append(psutil.Process(server.pid).memory_info().rss / 2**20)
            tell(mib[-1])
            time.sleep(SECONDS_BETWEEN_SAMPLES)
        for client in clients:
            client.join()
        findings.add(*afterwards.at_rest(server))
    findings.add(*afterwards.end(server.exit_status, server.log))
    return mib
