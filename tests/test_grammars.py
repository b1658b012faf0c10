"""Grammars and schemas that cannot be used: our exception, a model that stays usable, not the end of the process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from llama_cpp import LogitsProcessorList
from llama_cpp.llama_grammar import LlamaGrammar

from conftest import MakeLlama
from drugs_cpp import DecodeError, Llama, OptionError, PromptError
from support.process import run_python

GROUPS = "root ::= " + "(" * 30_000 + '"a"' + ")" * 30_000
CHAIN = "root ::= r0\n" + "".join(f"r{i} ::= r{i + 1}\n" for i in range(100_000)) + 'r100000 ::= "a"\n'
DOUBLING = "root ::= r0\n" + "".join(f"r{i} ::= r{i + 1} | r{i + 1}\n" for i in range(60)) + 'r60 ::= "a"\n'
HIDDEN = 'root ::= e root "a" | "b"\ne ::= f\nf ::= ""\n'

#: a character that is in no token
NUL = r"root ::= [\x00]"

WRONG = {
    "unfinished": "root ::= [",
    "no root": 'start ::= "a"',
    "unknown rule": "root ::= other",
    "left recursion": 'root ::= root "a" | "b"',
    "hidden left recursion": HIDDEN,
    "groups": GROUPS,
    "chain": CHAIN,
    "large token": "root ::= <[99999999999999999999999999]>",
}

SCRIPT = """
import sys
from drugs_cpp import Llama, OptionError
from llama_cpp.llama_grammar import LlamaGrammar
sys.path.insert(0, "tests")
import test_grammars
llm = Llama(sys.argv[1], n_ctx=256, n_threads=1, verbose=False)
try:
    llm.create_completion("a", max_tokens=2, grammar=LlamaGrammar.from_string(test_grammars.WRONG[sys.argv[2]]))
except OptionError as error:
    print(error)
"""


@pytest.fixture
def sober(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path)


def text(llm: Any, grammar: str, **options: Any) -> str:
    answer = llm.create_completion("a", grammar=LlamaGrammar.from_string(grammar), **{"max_tokens": 4, **options})
    return str(answer["choices"][0]["text"])


@pytest.mark.parametrize("name", WRONG)
def test_a_grammar_that_cannot_be_used_is_refused(tiny_model_path: str, name: str) -> None:
    """In a separate process, which a fault would end."""
    done = run_python("-c", SCRIPT, tiny_model_path, name)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the grammar cannot be used" in done.stdout


def test_every_way_to_give_a_grammar_refuses_it(sober: Any) -> None:
    wrong = LlamaGrammar.from_string("root ::= [")
    processors = LogitsProcessorList([lambda _, scores: scores])
    calls: list[Callable[[], object]] = [
        lambda: sober.create_completion("a", grammar=wrong, logits_processor=processors),
        lambda: sober.create_completion("a", grammar=wrong, stream=True).__next__(),
        lambda: next(sober.generate([5], grammar=wrong)),
        lambda: sober.variations("a", n=2, grammar=wrong),
        lambda: sober.create_completion("a", grammar="root ::= [a]"),
    ]
    for call in calls:
        with pytest.raises(OptionError, match="grammar"):
            call()
    assert text(sober, 'root ::= "abcd"') == "abcd"


def test_rules_that_refer_to_each_other_are_looked_at_once(sober: Any) -> None:
    assert text(sober, DOUBLING, max_tokens=1) == "a"


def test_deep_but_usable_grammars_go_on_working(sober: Any) -> None:
    """llama-cpp-python writes the length of a string as nested groups."""
    deep = "root ::= " + "(" * 1500 + '"ab"' + ")" * 1500
    assert text(sober, deep, max_tokens=2) == "ab"


@pytest.mark.parametrize("python", [False, True])
def test_where_no_token_is_allowed_a_call_raises(sober: Any, python: bool) -> None:
    processors = LogitsProcessorList([lambda _, scores: scores]) if python else None
    with pytest.raises(DecodeError, match="no token could be chosen"):
        text(sober, NUL, logits_processor=processors)
    assert text(sober, 'root ::= "ab"', max_tokens=2) == "ab"


def test_where_no_token_is_allowed_after_some_a_call_raises(sober: Any) -> None:
    with pytest.raises(DecodeError, match="no token could be chosen"):
        text(sober, r'root ::= "ab" [\x00]', max_tokens=5)
    with pytest.raises(DecodeError, match="no token could be chosen"):
        sober.variations("a", n=2, grammar=LlamaGrammar.from_string(r'root ::= "ab" [\x00]'), max_tokens=5)
    assert text(sober, 'root ::= "ab"', max_tokens=2) == "ab"


@pytest.mark.parametrize("pattern", ["^\\d$", "^a\\w+b$"])
def test_a_schema_whose_pattern_is_refused(make_llama: MakeLlama, pattern: str) -> None:
    """From these, llama-cpp-python makes a grammar that llama.cpp cannot use."""
    llm: Any = make_llama(n_ctx=512)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]}
    ask = {"response_format": {"type": "json_object", "schema": schema}, "max_tokens": 4}
    with pytest.raises(OptionError, match="grammar"):
        llm.create_chat_completion([{"role": "user", "content": "Name a colour."}], **ask)
    assert llm.create_completion("The sea", max_tokens=2)["choices"][0]["text"]


def test_a_schema_that_is_nested_too_deeply_is_an_error_of_ours(make_llama: MakeLlama) -> None:
    llm: Any = make_llama(n_ctx=512)
    schema: Any = {"type": "string"}
    for _ in range(10 * sys.getrecursionlimit()):
        schema = {"type": "array", "items": schema}
    asked = {"response_format": {"type": "json_object", "schema": schema}, "max_tokens": 2}
    with pytest.raises(PromptError, match="nested too deeply"):
        llm.create_chat_completion([{"role": "user", "content": "x"}], **asked)
