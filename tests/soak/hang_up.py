"""Clients that leave before they have their answer."""

from __future__ import annotations

import http.client
import random

from soak.questions import Question
from support.patience import PATIENCE
from support.program import Server

#: maximum number of lines of a stream that are read; an event has two
MOST_LINES = 24


def hang_up(server: Server, question: Question, rng: random.Random) -> None:
    """Leave in the middle of the question, before the first byte of the answer, or in the middle of it."""
    n_sent = len(question.data) if rng.random() < 0.8 else rng.randrange(len(question.data))
    n_lines = rng.choice([0, rng.randint(1, MOST_LINES)]) if n_sent == len(question.data) else 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.putrequest("POST", question.path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(question.data)))
        connection.endheaders(question.data[:n_sent])
        if n_lines:
            response = connection.getresponse()
            for _ in range(n_lines):
                response.readline()
    finally:
        connection.close()
