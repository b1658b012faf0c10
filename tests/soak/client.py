"""One of the clients of a soak."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from soak.answers import ask
from soak.findings import Findings
from soak.gate import Gate
from soak.hang_up import hang_up
from soak.questions import N_SLOTS, Question
from support.program import Server

LOOKS = ("/props", "/slots", "/metrics", "/health", "/v1/models")


@dataclass(frozen=True)
class Company:
    """Shared by all clients of a server.

    Attributes:
        server: the server that they ask.
        asked: the questions, and the answers of a server without other clients.
        may_go_on: whether to begin another request.
        findings: what they found.
        gate: keeps showers and texts apart.
    """

    server: Server
    asked: Sequence[tuple[Question, Any]]
    may_go_on: Callable[[], bool]
    findings: Findings
    gate: Gate


class Client(threading.Thread):
    """Does one thing after another, as determined by its seed. The first request that fails ends it."""

    def __init__(self, company: Company, seed: str) -> None:
        super().__init__(name=f"client {seed}", daemon=True)
        self._company = company
        self._rng = random.Random(seed)

    def run(self) -> None:
        actions = {self._ask: 80, self._hang_up: 13, self._look: 5, self._shower: 2}
        try:
            while self._company.may_go_on():
                (action,) = self._rng.choices(list(actions), list(actions.values()))
                action()
        except Exception as error:
            self._company.findings.add(f"{self.name} ended: {error!r}")

    def _ask(self) -> None:
        company = self._company
        question, alone = self._rng.choice(company.asked)
        with company.gate.text() if question.is_changed_by_showers else nullcontext():
            answer = ask(company.server, question)
        company.findings.compare(question, alone, answer)

    def _hang_up(self) -> None:
        question, _ = self._rng.choice(self._company.asked)
        hang_up(self._company.server, question, self._rng)
        self._company.findings.has_hung_up(question.kind)

    def _look(self) -> None:
        path = self._rng.choice(LOOKS)
        self._expect_200(path, self._company.server.get(path).status)
        self._company.findings.has_done("look")

    def _shower(self) -> None:
        path = f"/slots/{self._rng.randrange(-1, N_SLOTS)}?action=shower"
        with self._company.gate.shower():
            self._expect_200(path, self._company.server.post(path, {}).status)
        self._company.findings.has_done("shower")

    def _expect_200(self, path: str, status: int) -> None:
        if status != 200:
            self._company.findings.add(f"{path} answered {status}")
