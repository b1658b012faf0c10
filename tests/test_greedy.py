"""Greedy unless a temperature is given, with upstream's signatures."""

from __future__ import annotations

import inspect
from typing import Any

import llama_cpp
import pytest

from drugs_cpp import Llama
from support.tiny_texts import PROMPT


def test_greedy_is_the_default_and_a_temperature_still_counts(sober: Llama) -> None:
    def complete(**kwargs: Any) -> list[int]:
        sober.create_completion(PROMPT, max_tokens=20, **kwargs)
        return sober.input_ids[: sober.n_tokens].tolist()  # type: ignore[no-any-return]

    greedy = complete()
    assert greedy == complete(seed=1) == complete(temperature=0.0)
    assert greedy != complete(temperature=9.0, top_k=0, top_p=1.0, min_p=0.0, seed=1)


@pytest.mark.parametrize("name", ["create_completion", "__call__", "create_chat_completion", "generate", "sample"])
def test_signatures_are_upstreams_but_for_the_temperature_and_samplers_of_ours(name: str) -> None:
    ours = inspect.signature(getattr(Llama, name)).parameters
    theirs = inspect.signature(getattr(llama_cpp.Llama, name)).parameters
    assert list(ours) == [*theirs, "xtc_probability", "xtc_threshold", "top_n_sigma"]
    assert {n for n in theirs if ours[n].default != theirs[n].default} <= {"temp", "temperature"}
    assert (ours.get("temp") or ours["temperature"]).default == 0.0
