"""Doses for a ``llama_cpp.Llama`` that exists already."""

from __future__ import annotations

from typing import Any

import llama_cpp
import pytest

from drugs_cpp import DRUGS, Llama
from support.tiny_texts import strong, text


def test_inject_doses_a_plain_llama(tiny_model_path: str, llm: Llama) -> None:
    class Mine(llama_cpp.Llama):
        def hello(self) -> str:
            return "hello"

    plain: Any
    for kind in (llama_cpp.Llama, Mine):
        plain = kind(tiny_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
        dosed = strong().inject(plain)
        assert dosed is plain
        assert isinstance(plain, Llama)
        assert isinstance(plain, kind)
        assert text(plain) == text(llm)
        plain.close()
    assert plain.hello() == "hello"


def test_inject_again_changes_the_doses(llm: Llama) -> None:
    other = strong(seed=9)
    assert other.inject(llm) is llm
    assert llm.drugs is other


def test_inject_into_something_else() -> None:
    with pytest.raises(TypeError, match="cannot be dosed"):
        DRUGS().inject("model")
