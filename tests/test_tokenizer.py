"""Texts and tokens: as in upstream, except for what ended the process there."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_cpp.llama_tokenizer import LlamaTokenizer

from conftest import MakeLlama
from drugs_cpp import BusyError, Llama, PromptError, StateError, TokenError
from support.byte_model import write_byte_model
from support.parrot_model import write_parrot_model
from support.process import run_python

#: ways to split text for which llama.cpp has no code of its own, and one for which it has
SPLITTERS = ("gpt-4o", "deepseek-v3", "tekken", "llama-bpe")


@pytest.mark.parametrize("pre", SPLITTERS)
def test_a_word_of_any_length(pre: str, tmp_path: Path) -> None:
    write_byte_model(tmp_path / "bytes.gguf", pre)
    done = run_python("-m", "support.long_words", str(tmp_path / "bytes.gguf"), "words")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("pre", SPLITTERS)
def test_short_words_on_a_small_stack(pre: str, tmp_path: Path) -> None:
    write_byte_model(tmp_path / "bytes.gguf", pre)
    done = run_python("-m", "support.long_words", str(tmp_path / "bytes.gguf"), "short")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_text_of_any_length_before_the_trigger_of_a_grammar(tmp_path: Path) -> None:
    write_byte_model(tmp_path / "bytes.gguf", "gpt-4o")
    done = run_python("-m", "support.long_words", str(tmp_path / "bytes.gguf"), "trigger")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def llm(short_model_path: str) -> Llama:
    return Llama(short_model_path, n_ctx=64, verbose=False)


SPECIAL = st.sampled_from(["<|im_start|>", "<|im_end|>", "\n", "  ", "user"])


@given(st.lists(st.one_of(st.text(), SPECIAL)).map("".join), st.booleans(), st.booleans())
def test_texts_become_the_tokens_of_upstream(llm: Llama, text: str, add_bos: bool, special: bool) -> None:
    upstream = LlamaTokenizer(llm)
    encoded = text.encode()
    assert llm.tokenize(encoded, add_bos, special) == upstream.tokenize(encoded, add_bos, special)


@given(st.lists(st.integers(0, 49_151)), st.booleans())
def test_tokens_become_the_text_of_upstream(llm: Llama, tokens: list[int], special: bool) -> None:
    upstream = LlamaTokenizer(llm)
    if all(len(upstream.detokenize([token], special=True)) <= 32 for token in tokens):
        assert llm.detokenize(tokens, special=special) == upstream.detokenize(tokens, special=special)


def test_tokens_in_an_array(llm: Llama) -> None:
    tokens = llm.tokenize(b"The sea", add_bos=False)
    assert llm.detokenize(np.array(tokens, np.intc)) == b"The sea"  # type: ignore[arg-type]  # upstream says list


def test_the_first_space_of_a_whole_text_is_left_out(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    tokens = llm.tokenize(b"ab")
    assert tokens[0] == llm.token_bos()
    assert llm.detokenize(tokens) == b"ab" == LlamaTokenizer(llm).detokenize(tokens)
    assert llm.detokenize(tokens[1:]) == b" ab" == LlamaTokenizer(llm).detokenize(tokens[1:])


def test_a_long_token_is_whole(tmp_path: Path, make_llama: MakeLlama) -> None:
    """llama-cpp-python drops tokens of more than 32 bytes."""
    long = "x" * 100
    write_parrot_model(tmp_path / "parrot.gguf", ["\n", "a", long, "</s>"], "</s>", {"a": {long: 1.0}})
    llm = make_llama(tmp_path / "parrot.gguf")
    assert llm.detokenize(llm.tokenize(b"a" + long.encode(), add_bos=False)) == b"a" + long.encode()


def test_a_byte_without_a_token(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    for call in (llm.tokenize, llm.tokenizer().tokenize):
        with pytest.raises(PromptError, match="no token for a byte of this text"):
            call("é".encode())
    with pytest.raises(PromptError, match="no token for a byte of this text"):
        llm.create_completion("é", max_tokens=1)
    assert len(llm.tokenize(b"a", add_bos=False)) == 2  # with a space before it


@pytest.mark.parametrize("token", [-1, 128, 2**31, 2**40])
def test_a_token_that_is_not_there(make_llama: MakeLlama, tiny_model_path: str, token: int) -> None:
    llm = make_llama(tiny_model_path)
    with pytest.raises(TokenError, match=f"there is no token {token}: this model has 128 tokens"):
        llm.detokenize([40, token])


def test_a_plain_model_that_is_adopted(tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=64, verbose=False)
    llm = Llama.adopt(plain)
    with pytest.raises(PromptError):
        llm.tokenize("é".encode())
    llm.close()


def test_a_tokenizer_of_the_user_stays(tiny_model_path: str) -> None:
    class Own(LlamaTokenizer):
        def __init__(self) -> None:
            pass

        def tokenize(self, text: bytes, add_bos: bool = True, special: bool = True) -> list[int]:  # noqa: ARG002
            return [40]

    own = Own()
    llm = Llama(tiny_model_path, n_ctx=64, tokenizer=own, verbose=False)
    assert llm.tokenizer_ is own
    assert llm.tokenize(b"anything") == [40]
    llm.close()


def test_a_model_is_not_closed_under_a_thread_that_reads_its_vocabulary(
    make_llama: MakeLlama, tiny_model_path: str
) -> None:
    llm = make_llama(tiny_model_path)
    inside, done = threading.Event(), threading.Event()

    def read() -> None:
        with llm.engine.in_use:
            inside.set()
            done.wait()

    thread = threading.Thread(target=read)
    thread.start()
    inside.wait()
    assert llm.tokenize(b"a")  # two readers are allowed
    with pytest.raises(BusyError, match="another thread is reading this model's vocabulary"):
        llm.close()
    assert llm.tokenize(b"a")
    done.set()
    thread.join()
    llm.close()
    with pytest.raises(StateError, match="the model was closed"):
        llm.tokenize(b"a")


def test_a_long_text_and_a_close(make_llama: MakeLlama, model_path: str) -> None:
    """Whichever comes first, nothing is read after it was freed."""
    text = b"a b " * 50_000
    for _ in range(3):
        llm = make_llama(model_path)
        expected = llm.tokenize(text)
        found: list[list[int]] = []
        threads = [threading.Thread(target=_tokenize, args=(llm, text, found)) for _ in range(2)]
        for thread in threads:
            thread.start()
        with contextlib.suppress(BusyError):
            llm.close()
        for thread in threads:
            thread.join()
        assert all(tokens == expected for tokens in found)


def _tokenize(llm: Llama, text: bytes, found: list[list[int]]) -> None:
    with contextlib.suppress(StateError):
        found.append(llm.tokenize(text))
