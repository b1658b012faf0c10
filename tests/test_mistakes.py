"""What ``drugs_cpp.Llama`` refuses, and its messages."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from llama_cpp import LogitsProcessorList

from conftest import MakeLlama
from drugs_cpp import (
    ChatTemplateWarning,
    ContextOverflowError,
    CountError,
    Llama,
    NoLogitsError,
    OptionError,
    PromptError,
    StateError,
    TokenError,
)
from support.tiny_texts import PROMPT, strong, text


def test_a_context_overflow_says_what_to_do_and_loses_nothing(llm: Llama) -> None:
    llm.eval(PROMPT)
    with pytest.raises(ContextOverflowError, match=r"250 tokens do not fit after 8 in a context of 256.*n_ctx=258"):
        llm.eval([5] * 250)
    assert llm.n_tokens == 8
    with pytest.raises(ContextOverflowError, match="257 tokens do not fit"):
        llm.generate([5] * 257)
    with pytest.raises(ContextOverflowError, match=r"Requested tokens \(300\).*larger n_ctx"):
        llm.create_completion([5] * 300)
    with pytest.raises(ContextOverflowError, match="larger n_ctx"):
        next(iter(llm.create_completion([5] * 300, stream=True)))
    assert len(text(llm)) == 24


def test_unknown_tokens(llm: Llama) -> None:
    with pytest.raises(TokenError, match="token 128 is not in"):
        llm.eval([5, 128])
    assert llm.n_tokens == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": float("nan")}, "temperature is nan: give a finite number, 0 for the most likely token"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"temperature": 0.5, "top_p": None}, "top_p is None: give a finite number"),
        ({"repeat_penalty": "much"}, "repeat_penalty is 'much'"),
        ({"logit_bias": {5: float("nan")}}, "token 5 has nan"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_numbers_of_a_sampler(llm: Llama, options: dict[str, Any], says: str, stream: bool) -> None:
    llm.eval(PROMPT)
    with pytest.raises(OptionError, match=says):
        list(llm.create_completion([5, 6], max_tokens=2, stream=stream, **options))
    assert llm.n_tokens == len(PROMPT)


def test_the_temperature_of_a_generator(llm: Llama) -> None:
    with pytest.raises(OptionError, match="temperature is nan"):
        next(llm.generate(PROMPT, temp=float("nan")))


def test_sampling_from_nothing(llm: Llama) -> None:
    with pytest.raises(NoLogitsError, match="evaluate at least one token"):
        llm.sample()
    llm.eval(PROMPT)
    llm.load_state(llm.save_state())
    with pytest.raises(NoLogitsError):
        llm.sample()
    with pytest.raises(NoLogitsError):
        next(llm.generate([]))


def test_a_closed_model(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong())
    llm.close()
    calls = (lambda: llm.eval(PROMPT), lambda: text(llm), lambda: llm.Dgenerate(PROMPT), llm.save_state, llm.sample)
    for call in calls:
        with pytest.raises(StateError, match="was closed"):
            call()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"a_doze": 0.1}, r"'a_doze': give doses as Llama\(path, drugs=DRUGS\(A=0\.1\)\)"),
        ({"a_dose": 0.1}, r"'a_dose': give doses as Llama\(path, drugs=DRUGS\(A=0\.1\)\)"),
        ({"n_ctxx": 10}, "did you mean 'n_ctx'"),
        ({"dose_input": True}, "did you mean 'dose_inputs'"),
        ({"drugs": 0.1}, r"give doses such as DRUGS\(A=0\.1\)"),
    ],
)
def test_unknown_arguments(tiny_model_path: str, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Llama(tiny_model_path, **argument)


@pytest.mark.parametrize("sink", [-1, 1.5, True])
def test_bad_sinks(tiny_model_path: str, sink: Any) -> None:
    with pytest.raises(ValueError, match="sink is"):
        Llama(tiny_model_path, sink=sink)


@pytest.mark.parametrize("messages", ["hello", b"hello", [], None, ["hello"], [{"role": "user", "content": "a"}, "b"]])
def test_messages_that_are_none(make_llama: MakeLlama, messages: Any) -> None:
    llm: Any = make_llama()
    with pytest.raises(PromptError, match="give a list with at least one"):
        llm.create_chat_completion(messages)
    with pytest.raises(PromptError):
        llm.variations(messages=messages)


def test_messages_that_the_template_refuses(make_llama: MakeLlama) -> None:
    llm: Any = make_llama()
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    for message in ({"role": "user", "content": [1]}, {"role": "user", "content": nested}, {"role": "user"}):
        with pytest.raises(PromptError, match=r"template|nested"):
            llm.create_chat_completion([message], max_tokens=1)
    assert llm.create_chat_completion([{"role": "user", "content": "a"}], max_tokens=1)["choices"]


def test_a_model_without_a_chat_template_says_so_once(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm: Any = make_llama(tiny_model_path)
    messages = [{"role": "user", "content": "a"}]
    assert not llm.has_chat_template
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            llm.create_chat_completion(messages, max_tokens=1)
    assert [warning.category for warning in caught] == [ChatTemplateWarning]
    assert "create_completion" in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(ChatTemplateWarning):
        llm.variations(messages=messages, n=1, max_tokens=1)
    chosen: Any = make_llama(tiny_model_path, chat_format="llama-2")
    assert chosen.has_chat_template
    assert chosen.create_chat_completion(messages, max_tokens=1)["choices"]


@pytest.mark.parametrize("tokens", [[1.5], [math.nan], ["a"], [None], [[5], [6]], {5}, 5], ids=str)
def test_what_is_no_list_of_tokens(llm: Llama, tokens: Any) -> None:
    for call in (llm.eval, llm.detokenize):
        with pytest.raises(TokenError, match="the list of tokens"):
            call(tokens)
    assert llm.n_tokens == 0


def test_the_number_of_tokens_is_at_most_what_the_cache_holds(llm: Llama) -> None:
    llm.eval(PROMPT)
    number: Any
    for number in (9, 300, 2**31, -3, 2.5, None, True):
        with pytest.raises(CountError, match="n_tokens is"):
            llm.n_tokens = number
        assert llm.n_tokens == 8
    llm.n_tokens = 5
    llm.n_tokens = 7  # still exists
    llm.eval([5])
    llm.reset()
    with pytest.raises(CountError, match="n_tokens is 1: the cache holds 0 tokens"):
        llm.n_tokens = 1


def test_tokens_of_another_shape_are_not_taken_over(llm: Llama) -> None:
    llm.eval(PROMPT)
    ids: Any
    for ids in (None, 5, np.zeros(3, np.intc), np.zeros(256, np.float32)):
        with pytest.raises(TokenError, match=r"input_ids are .*: give int32 \(256,\)"):
            llm.input_ids = ids
    assert llm.input_ids[:8].tolist() == PROMPT
    llm.input_ids = np.array(llm.input_ids, np.int64)
    llm.eval([5])


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"stop": [b"a"]}, OptionError, "stop is"),
        ({"stop": ["\ud800"]}, OptionError, "stop is"),
        ({"stop": 5}, OptionError, "stop is"),
        ({"max_tokens": "1"}, CountError, "max_tokens is '1': give a whole number"),
        ({"max_tokens": 0.5}, CountError, "max_tokens is 0.5: give a whole number"),
        ({"max_tokens": math.nan}, CountError, "max_tokens is nan: give a whole number"),
        ({"logit_bias": [1]}, OptionError, "logit_bias is"),
        ({"logit_bias": {"a": 1}}, OptionError, "logit_bias is"),
        ({"logit_bias": {5: None}}, OptionError, "logit_bias is"),
        ({"top_k": 40.0, "temperature": 1}, OptionError, "top_k is 40.0: give a whole number"),
        ({"top_k": 2**40, "temperature": 1}, OptionError, "top_k is 1099511627776: give a whole number"),
        ({"temperature": 10**400}, OptionError, "temperature is 1000.*: give a finite number"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_options_of_a_completion(llm: Llama, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    in_python = {"logits_processor": LogitsProcessorList([lambda _, scores: scores])}
    for how in ({}, {} if "logit_bias" in options else in_python):  # from which upstream makes a processor
        with pytest.raises(kind, match=message):
            llm.create_completion(PROMPT, **{"max_tokens": 2, **options, **how})
    assert llm.n_tokens == 0


def test_a_prompt_of_tokens_is_echoed_as_text(llm: Llama) -> None:
    prompt = PROMPT[1:]
    answers: list[Any] = [llm.create_completion(prompt, max_tokens=2, echo=echo, seed=3) for echo in (False, True)]
    plain, echoed = (answer["choices"][0]["text"] for answer in answers)
    assert echoed == llm.detokenize(prompt).decode() + plain


def test_variations_of_an_array(llm: Llama) -> None:
    prompts: list[Any] = [np.array(PROMPT), PROMPT]
    of_array, of_list = (llm.variations(prompt, n=2, max_tokens=2, seeds=1) for prompt in prompts)
    assert [choice["text"] for choice in of_array["choices"]] == [choice["text"] for choice in of_list["choices"]]


@pytest.mark.parametrize("method", ["__call__", "create_completion", "create_chat_completion", "generate"])
def test_doses_of_a_call_belong_to_the_model(make_llama: MakeLlama, tiny_model_path: str, method: str) -> None:
    llm = make_llama(tiny_model_path, n_ctx=64)
    with pytest.raises(TypeError, match=rf"{method}\(\) does not take drugs: write `with llm.dosed\('mild'\):` around"):
        getattr(llm, method)("a", drugs="mild")
