"""Texts of the tiny model under strong doses, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest

from drugs_cpp import DRUGS, Llama

PROMPT = [1, 20, 33, 47, 60, 75, 81, 99]
SINK = 6


def strong(**kwargs: Any) -> DRUGS:
    return DRUGS(**{"H": 0.6, "Q": 0.6, "A": 0.6, "pK": 0.6, "pV": 0.6, "seed": 7, **kwargs})


def text(llm: Llama, prompt: Sequence[int] = PROMPT, **kwargs: Any) -> list[int]:
    """New tokens of a completion."""
    return list(take(llm.generate(list(prompt), **kwargs), 24))


def take(tokens: Any, n: int) -> list[int]:
    return list(islice(tokens, n))


def feed_prompt(sober: Llama) -> None:
    """Evaluate the prompt in the batches of a dosed run, which computes the last token alone."""
    sober.eval(PROMPT[:-1])
    sober.eval(PROMPT[-1:])


class CountingDecoder:
    """A decoder that records how many tokens each call evaluates."""

    def __init__(self, decoder: Any, sizes: list[int]) -> None:
        self._decoder = decoder
        self._sizes = sizes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def evaluate(self, tokens: list[int], *args: Any) -> Any:
        self._sizes.append(len(tokens))
        return self._decoder.evaluate(tokens, *args)


def batches_of(llm: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list to which the size of every decoded batch of given tokens is added; each call fits into one batch."""
    sizes: list[int] = []
    session = llm.engine.session
    monkeypatch.setattr(session, "decoder", CountingDecoder(session.decoder, sizes))
    return sizes
