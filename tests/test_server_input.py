"""`drugs serve`: nothing that a client sends may end it, and answers to several questions count as one request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.program import Server, run_drugs
from support.serving import PROMPT, TINY, sober_text, text
from support.tiny_adapter import write_tiny_adapter
from test_grammars import CHAIN, DOUBLING, HIDDEN, NUL

DOSED = {"A": 0.5, "seed": 3, "dose_inputs": True}
CHAT = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 6, "temperature": 0}


@pytest.fixture(scope="module")
def server(tiny_model_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    adapter = tmp_path_factory.mktemp("adapters") / "tiny.gguf"
    write_tiny_adapter(adapter)
    with Server("-m", tiny_model_path, *TINY, "--lora", str(adapter), "--chat-template", "chatml") as server:
        yield server


def nested(depth: int, inside: str = '"a"') -> str:
    return "(" * depth + inside + ")" * depth


GRAMMARS = ["root ::= [", "root ::= " + nested(20_000), "root ::= " + nested(10**6), CHAIN, HIDDEN]


@pytest.mark.parametrize("grammar", GRAMMARS, ids=["unfinished", "groups", "more groups", "chain", "hidden"])
def test_a_grammar_that_cannot_be_used_is_a_400(server: Server, grammar: str) -> None:
    answer = server.post("/completion", {"prompt": PROMPT, "n_predict": 2, "grammar": grammar})
    assert answer.status == 400, answer.text[:500]
    assert server.is_alive


def test_a_grammar_without_an_allowed_token_is_an_error_of_that_request(server: Server) -> None:
    answer = server.post("/completion", {"prompt": PROMPT, "n_predict": 2, "grammar": NUL})
    assert answer.status == 500
    assert "no token" in answer.error or "grammar" in answer.error
    assert server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "grammar": DOUBLING}).json["content"] == "a"


def schema_of(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


SCHEMAS: dict[str, Any] = {
    "pattern": {"type": "string", "pattern": "^[a$"},
    "references": {"$ref": "#/d/0", "d": [{"$ref": f"#/d/{i + 1}"} for i in range(50_000)] + [{"type": "string"}]},
    "long name": {"properties": {"a" * 100_000: {"type": "null"}}, "additionalProperties": True},
    "many optional ones": {"properties": {f"p{i}": {"type": "null"} for i in range(20_000)}},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_cannot_be_used_is_a_400(server: Server, name: str) -> None:
    body = {"prompt": PROMPT, "n_predict": 2, "json_schema": SCHEMAS[name]}
    answer = server.post("/completion", body)
    assert answer.status == 400, answer.text[:500]
    assert len(answer.error) < 1000
    assert server.is_alive


def test_long_names_of_odd_characters_are_taken(server: Server) -> None:
    schema = {"properties": {"é" * 100_000: {"type": "null"}}, "required": ["é" * 100_000]}
    assert server.post("/completion", {"prompt": PROMPT, "n_predict": 2, "json_schema": schema}).status == 200


def test_json_within_a_text_is_not_nested_deeper_than_json(server: Server) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "[" * 200_000 + "]" * 200_000}}
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    answer = server.post("/v1/chat/completions", {**CHAT, "messages": messages})
    assert answer.status in (200, 400), answer.text[:500]
    assert server.is_alive


def test_a_parser_that_calls_itself_is_an_error_of_that_request(server: Server) -> None:
    """Upstream takes the parser for an answer from the request."""
    parser = json.dumps({"parsers": [{"type": "sequence", "children": [0]}], "rules": {}, "root": 0})
    answer = server.post("/completion", {"prompt": PROMPT, "n_predict": 2, "chat_parser": parser, "chat_format": 3})
    assert answer.status in (200, 400, 500)
    answer = server.post("/v1/chat/completions", {**CHAT, "chat_parser": parser})
    assert answer.status in (200, 400, 500)
    assert server.is_alive
    assert sober_text(server, n_predict=2)


@pytest.mark.parametrize("drugs", [{}, DOSED, {**DOSED, "dose_inputs": False}])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_a_stream_of_several_answers_has_no_empty_event(server: Server, path: str, drugs: Any) -> None:
    body = {**CHAT, "prompt": PROMPT, "n": 3, "stream": True, "drugs": drugs, "stream_options": {"include_usage": True}}
    events = list(server.stream(path, body))
    assert all(isinstance(event, dict) for event in events)
    assert {choice["index"] for event in events for choice in event["choices"]} == {0, 1, 2}
    usages = [event["usage"] for event in events if event.get("usage")]
    assert len(usages) == 1
    assert usages[0]["completion_tokens"] == 18
    assert events[-1].get("usage") == usages[0]


@pytest.mark.parametrize("drugs", [{}, DOSED])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_usage_counts_all_answers_and_the_prompt_once(server: Server, path: str, drugs: Any) -> None:
    body = {**CHAT, "prompt": PROMPT, "drugs": drugs}
    one, three = (server.post(path, {**body, "n": n}).json["usage"] for n in (1, 3))
    assert one["completion_tokens"] == 6
    assert three["completion_tokens"] == 18
    assert three["prompt_tokens"] == one["prompt_tokens"]
    assert three["total_tokens"] == three["prompt_tokens"] + 18


def test_usage_of_several_prompts(server: Server) -> None:
    usage = server.post("/v1/completions", {**CHAT, "prompt": [PROMPT, PROMPT + " there"], "n": 2}).json["usage"]
    alone = [server.post("/v1/completions", {**CHAT, "prompt": p}).json["usage"] for p in (PROMPT, PROMPT + " there")]
    assert usage["completion_tokens"] == 24
    assert usage["prompt_tokens"] == sum(one["prompt_tokens"] for one in alone)


def test_no_adapters_is_scale_zero(server: Server, tiny_server: Server) -> None:
    adapters: list[dict[str, Any]] = [{}, {"lora": []}, {"lora": [{"id": 0, "scale": 0}]}]
    adapted, none, zero = (text(server, {}, temperature=0, **lora) for lora in adapters)
    assert none == zero == sober_text(tiny_server) != adapted


def test_angles_are_at_most_half_a_turn(server: Server) -> None:
    refused = server.post("/completion", {"prompt": PROMPT, "drugs": {"A": 1e9}})
    assert refused.status == 400
    assert "the dose at A reaches 1e+09 radians: pi, a half turn, is the most" in refused.error
    assert server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "drugs": {"A": 3.1415926}}).status == 200


def test_a_strong_dose_is_warned_of_once(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY) as server:
        for angle in (0.9, 1.5, 2.5):
            server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "drugs": {"A": angle}})
        assert server.log.count("most models write nonsense") == 1
        assert "reaches 1.5 radians" in server.log


def test_seeds_of_minus_one_are_fresh(server: Server) -> None:
    seeds = set()
    for ask in ({"drugs": {"A": 0.5, "seed": -1}}, {"drugs": {"A": 0.5}, "seed": -1}):
        for _ in range(2):
            seeds.add(server.post("/completion", {"prompt": PROMPT, "n_predict": 1, **ask}).json["drugs"]["seed"])
    assert len(seeds) > 2


def test_a_template_that_calls_itself_or_is_nested_deeply_is_refused(tiny_model_path: str, tmp_path: Path) -> None:
    templates = {
        "calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "groups": "{{ " + "(" * 200_000 + "1" + ")" * 200_000 + " }}",
        "statements": "{% if 1 %}" * 100_000 + "{% endif %}" * 100_000,
        "negations": "{{ " + "not " * 200_000 + "1 }}",
        "a chain": "{{ 1" + " + 1" * 300_000 + " }}",
    }
    for template in templates.values():
        path = tmp_path / "template.jinja"
        path.write_text(template)
        ask = ("serve", "-m", tiny_model_path, "--port", "0", "--no-warmup", "--jinja", "--chat-template-file")
        done = run_drugs(*ask, str(path))
        assert done.returncode == 1
        assert re.search(r"nested too deeply|too long", done.stdout + done.stderr)


def test_a_model_without_a_chat_template_says_so_once(tiny_server: Server, server: Server) -> None:
    """Only the server with the option --chat-template has one."""
    for _ in range(2):
        tiny_server.post("/v1/chat/completions", CHAT)
    assert tiny_server.log.count("this model has no chat template") == 1
    assert "continue a text with /v1/completions" in tiny_server.log
    assert tiny_server.get("/props").json["drugs"]["has_chat_template"] is False
    assert "this model has no chat template" not in server.log
    assert server.get("/props").json["drugs"]["has_chat_template"] is True
