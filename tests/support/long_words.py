"""Texts of one word, each in a thread with a small stack; run with the path of a model and the name of a task.

python -m support.long_words MODEL words|trigger|short
"""

from __future__ import annotations

import ctypes
import sys
import threading

import llama_cpp

import drugs_cpp

STACK = 512 * 1024  # bytes: a sixteenth of the usual stack, so a sixteenth of the length is enough
LEAST_STACK = 64 * 1024
LENGTH = 20_000  # characters

CHARACTERS = ("Z", "z", ".", " ", "\n", "\t", "1", "é", "漢", "a b")


def check_words(llm: drugs_cpp.Llama) -> None:
    for character in CHARACTERS:
        text = (character * LENGTH).encode()
        tokens = llm.tokenize(text, add_bos=False)
        assert tokens == list(text), character
        assert llm.detokenize(tokens) == text, character


def check_short_words(llm: drugs_cpp.Llama) -> None:
    """Words that are too short for a stack of their own also work."""
    for length in range(600):
        assert llm.tokenize(b"a" * length, add_bos=False) == [ord("a")] * length


def check_trigger(llm: drugs_cpp.Llama) -> None:
    """A grammar that waits for a word, after a long text without it."""
    vocab = llama_cpp.llama_model_get_vocab(llm.model)
    patterns = (ctypes.c_char_p * 1)(rb"^[\s\S]*?(<x>)[\s\S]*$")
    no_tokens = (llama_cpp.llama_token * 0)()
    sampler = llama_cpp.llama_sampler_init_grammar_lazy_patterns(
        vocab, b'root ::= "<x>a"', b"root", patterns, 1, no_tokens, 0
    )
    assert sampler
    for _ in range(LENGTH // 4):
        llama_cpp.llama_sampler_accept(sampler, ord("a"))
    allowed = [token for token in range(256) if _is_allowed(sampler, token)]
    assert len(allowed) == 256
    for character in b"<x>":
        llama_cpp.llama_sampler_accept(sampler, character)
    assert [token for token in range(256) if _is_allowed(sampler, token)] == [ord("a")]
    llama_cpp.llama_sampler_free(sampler)


def _is_allowed(sampler: llama_cpp.llama_sampler_p, token: int) -> bool:
    data = llama_cpp.llama_token_data(token, 0.0, 0.0)
    candidates = llama_cpp.llama_token_data_array(ctypes.pointer(data), 1, -1, False)
    llama_cpp.llama_sampler_apply(sampler, ctypes.byref(candidates))
    return data.logit == 0


def main() -> None:
    model, task = sys.argv[1:]
    llm = drugs_cpp.Llama(model, n_ctx=64, n_threads=1, n_threads_batch=1, verbose=False)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            {"words": check_words, "trigger": check_trigger, "short": check_short_words}[task](llm)
        except BaseException as error:  # otherwise, a thread keeps it to itself
            failed.append(error)

    threading.stack_size(LEAST_STACK if task == "short" else STACK)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()
