"""Every call on a closed model says that it is closed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import llama_cpp
import pytest

from conftest import MakeLlama
from drugs_cpp import DRUGS, Llama, StateError
from support.tiny_texts import PROMPT, strong

CHAT = [{"role": "user", "content": "hello"}]

#: arguments of public methods; those that are missing here take none
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "__call__": ("hello",),
    "create_chat_completion": (CHAT,),
    "create_chat_completion_openai_v1": (CHAT,),
    "create_completion": ("hello",),
    "create_embedding": ("hello",),
    "Dgenerate": (PROMPT,),
    "detokenize": (PROMPT,),
    "embed": ("hello",),
    "eval": (PROMPT,),
    "generate": (PROMPT,),
    "load_state": (None,),
    "set_seed": (3,),
    "set_sobering_rate": (3,),
    "lens": ([0.0],),
    "prompt_of": ("hello",),
    "tokenize": (b"hello",),
    "trace": ("hello",),
    "traces": ("hello",),
    "variations": ("hello",),
}

#: closing twice does nothing; a prompt cache and these functions do not use anything that was freed
HARMLESS = {"adopt", "close", "from_pretrained", "logits_to_logprobs", "longest_token_prefix", "set_cache"}

#: set in the constructor and kept: how the model was loaded
KEPT = {"model_params"}

PUBLIC = sorted(
    name for name in dir(Llama) if (not name.startswith("_") or name == "__call__") and name not in HARMLESS | KEPT
)


@pytest.fixture(scope="module")
def closed(tiny_model_path: str) -> Llama:
    llm = Llama(tiny_model_path, drugs=strong(), embedding=True, verbose=False)
    llm.close()
    return llm


def use(llm: Llama, name: str) -> None:
    found = getattr(llm, name)  # a property raises here
    result: Any = found(*ARGUMENTS.get(name, ())) if callable(found) else None
    if hasattr(result, "__enter__"):
        result.__enter__()
    if isinstance(result, Iterator):
        list(result)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public(closed: Llama, name: str) -> None:
    with pytest.raises(StateError, match="the model was closed: make a new Llama"):
        use(closed, name)


@pytest.mark.parametrize("name", [name for name in PUBLIC if isinstance(getattr(Llama, name), property)])
def test_what_can_be_set(closed: Llama, name: str) -> None:
    if getattr(Llama, name).fset is not None:
        with pytest.raises(StateError, match="the model was closed: make a new Llama"):
            setattr(closed, name, DRUGS() if name == "drugs" else 1)


@pytest.mark.parametrize("stream", ["create_completion", "create_chat_completion", "variations"])
def test_a_stream_of_a_closed_model(closed: Llama, stream: str) -> None:
    with pytest.raises(StateError, match="the model was closed"):
        next(getattr(closed, stream)(*ARGUMENTS[stream], stream=True))


@pytest.mark.parametrize("begin", ["create_completion", "generate", "variations", "create_chat_completion"])
def test_closing_ends_a_text(make_llama: MakeLlama, model_path: str, begin: str) -> None:
    llm = make_llama(model_path, drugs={"A": 0.2})
    options: Any = {} if begin == "generate" else {"stream": True}
    text = getattr(llm, begin)(*ARGUMENTS[begin], **options)
    next(text)
    next(text)
    llm.close()
    with pytest.raises(StateError, match="the model was closed"):
        list(text)


def test_tokenizers_that_were_given_out(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    tokenizers = llm.tokenizer(), llm.tokenizer_
    llm.close()
    for tokenizer in (*tokenizers, llm.tokenizer_):
        with pytest.raises(Exception, match="the model was closed"):
            tokenizer.tokenize(b"hello")
        with pytest.raises(Exception, match="the model was closed"):
            tokenizer.detokenize([40])


def test_closing_again_and_what_is_harmless(closed: Llama) -> None:
    closed.close()
    closed.set_cache(None)
    assert closed.longest_token_prefix([1, 2], [1, 3]) == 1
    assert closed.model_path
    del closed


def test_a_block_that_closes_the_model(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong())
    with llm.dosed(A=0.1):
        llm.close()


def test_a_closed_plain_model_cannot_be_dosed(tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=64, n_threads=1, verbose=False)
    plain.close()
    with pytest.raises(StateError, match="the model was closed"):
        Llama.adopt(plain, {"A": 0.3})


def test_the_list_is_whole() -> None:
    for name in PUBLIC:
        function = inspect.getattr_static(Llama, name)
        if inspect.isfunction(function) and name not in ARGUMENTS:
            required = [p for p in list(inspect.signature(function).parameters.values())[1:] if p.default is p.empty]
            assert all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in required), name
