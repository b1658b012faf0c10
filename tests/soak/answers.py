"""The part of an answer that must be the same each time."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from soak.questions import Question
from support.program import Answer, Server

#: names and times of a single answer, its slot, and what the slot had in its cache
PASSING = {"id", "id_slot", "created", "timings", "prompt_tokens_details", "completion_id"}


def ask(server: Server, question: Question) -> dict[str, Any]:
    """The status of the answer, and the part of it that must be the same each time."""
    answer = server.post(question.path, question.data)
    return {"status": answer.status, "answer": lasting(content(answer))}


def content(answer: Answer) -> Any:
    """The JSON of an answer, or of the events of a stream: for each text in order, and finally those of no text."""
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return answer.json
    texts: dict[str, list[Any]] = defaultdict(list)
    for line in answer.text.splitlines():
        name, _, data = line.partition(": ")
        if name == "data":
            event = data if data == "[DONE]" else json.loads(data)
            texts[str(_index(event))].append(event)
    return texts


def lasting(value: Any) -> Any:
    """The same value without the parts that vary."""
    if isinstance(value, dict):
        return {name: lasting(part) for name, part in value.items() if name not in PASSING}
    if isinstance(value, list):
        return [lasting(part) for part in value]
    return value


def _index(event: Any) -> int | None:
    """The index of an event's text; None: it belongs to no single text."""
    if not isinstance(event, dict):
        return None
    choices = event.get("choices", [event])
    return choices[0].get("index") if choices else None
