"""Shared by the tests of the server: a tiny server, and short requests to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.program import Server

PROMPT = "Once upon a time"

#: in float32, also in the cache, a text depends neither on the batch nor on the other requests in it
TINY = ("-t", "1", "-c", "1024", "-np", "4", "-fa", "off", "-ctk", "f32", "-ctv", "f32", "--metrics", "--slots")


def completion(server: Server, drugs: object = None, **fields: Any) -> Any:
    body = {"prompt": PROMPT, "n_predict": 24, **({} if drugs is None else {"drugs": drugs}), **fields}
    answer = server.post("/completion", body)
    assert answer.status == 200, answer.text
    return answer.json


def text(server: Server, drugs: object = None, **fields: Any) -> str:
    return str(completion(server, drugs, **fields)["content"])


def sober_text(server: Server, **fields: Any) -> str:
    return text(server, {}, temperature=0, **fields)


def slots(server: Server) -> list[Any]:
    return list(server.get("/slots").json)


def dirty(server: Server) -> int:
    return sum(slot["drugs"]["n_dirty"] for slot in slots(server))


def try_until(attempt: Callable[[], bool], times: int = 50) -> None:
    """Repeat what depends on lucky timing, such as requests that are served together, until an attempt succeeds."""
    assert any(attempt() for _ in range(times)), f"it did not happen in {times} attempts"


def metric(server: Server, name: str) -> int:
    lines = server.get("/metrics").text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"llamacpp:{name} ")))
