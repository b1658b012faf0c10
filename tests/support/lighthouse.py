"""One question to a server: the answer, and a seed with which a dosed answer differs from it."""

from __future__ import annotations

from typing import Any

from support.program import Server
from support.seeds import first_that

QUESTION = "Write one sentence that begins a story about a lighthouse."

#: the dose of ``parting_seed``
STRONG = {"A": 0.35}


def choices_of(server: Server, question: str = QUESTION, **fields: Any) -> Any:
    body = {"messages": [{"role": "user", "content": question}], "max_tokens": 16, **fields}
    answer = server.post("/v1/chat/completions", body)
    assert answer.status == 200, answer.text
    return answer.json["choices"]


def answer_of(server: Server, question: str = QUESTION, **fields: Any) -> str:
    return str(choices_of(server, question, **fields)[0]["message"]["content"])


def parting_seed(server: Server) -> int:
    """A seed with which a strong dose changes the first half of the sober text; which seeds do depends on the CPU."""
    sober = answer_of(server, drugs={}, temperature=0)
    begin = sober[: len(sober) // 2]
    return first_that(lambda seed: not answer_of(server, drugs={**STRONG, "seed": seed}).startswith(begin))
