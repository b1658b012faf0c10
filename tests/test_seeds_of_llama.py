"""The seed of a run: where it comes from, and that it determines the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from llama_cpp import LogitsProcessorList

from conftest import MakeLlama, last_logits
from drugs_cpp import Llama, SeedError
from support.tiny_texts import PROMPT, strong, text


def test_the_same_seed_is_the_same_text_and_another_is_not(llm: Llama) -> None:
    texts = []
    for seed in (7, 7, 8, 9):
        llm.set_seed(seed)
        texts.append(text(llm))
        assert llm.seed == seed
    assert texts[0] == texts[1]
    assert len({tuple(t) for t in texts}) == 3


def test_three_ways_to_set_a_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    by_drugs = strong(seed=None)
    by_drugs.set_seed(11)
    tokens = [text(make_llama(tiny_model_path, drugs=by_drugs))]
    tokens.append(text(make_llama(tiny_model_path, drugs=strong(seed=None), seed=11)))
    llm = make_llama(tiny_model_path, drugs=strong(seed=5))
    completion: Any = llm.create_completion(PROMPT, max_tokens=24, seed=11)
    assert tokens[0] == tokens[1]
    fed_back = llm.input_ids[len(PROMPT) : llm.n_tokens].tolist()
    assert fed_back == tokens[0][: len(fed_back)]
    assert len(fed_back) > 5
    assert completion["choices"][0]["finish_reason"] in ("length", "stop")
    assert llm.seed == 11
    assert llm.drugs.seed == 5  # a call's seed applies only to that call


def test_without_a_seed_each_run_draws_one_that_repeats_it(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(seed=None))
    assert llm.seed is None
    drawn: dict[int, list[int]] = {}
    for _ in range(4):
        tokens = text(llm)
        assert llm.seed is not None
        drawn[llm.seed] = tokens
    assert len(drawn) == 4
    for seed, tokens in drawn.items():
        llm.set_seed(seed)
        assert text(llm) == tokens


def test_a_seed_set_after_a_run_counts_from_the_next_token_on(llm: Llama) -> None:
    def logits_with(seed: int) -> bytes:
        llm.set_seed(7)
        text(llm)
        llm.set_seed(seed)
        llm.eval([50], dosed=True)
        assert llm.seed == seed
        return last_logits(llm).tobytes()

    assert logits_with(9) == logits_with(9)
    assert logits_with(9) != logits_with(7)


def test_seed_zero_is_a_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(seed=None), seed=0)
    assert text(llm) == text(llm)
    assert llm.seed == 0


def test_the_sampler_gets_the_seed(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, seed=3)
    hot = [text(llm, temp=5.0, top_k=0, top_p=1.0, min_p=0.0) for _ in range(2)]
    assert hot[0] == hot[1]
    llm.set_seed(4)
    assert text(llm, temp=5.0, top_k=0, top_p=1.0, min_p=0.0) != hot[0]


@pytest.mark.parametrize("seed", [-2, 2**32, 1.5, True, "7"])
def test_bad_seeds(llm: Llama, make_llama: MakeLlama, tiny_model_path: str, seed: Any) -> None:
    calls = (
        lambda: llm.set_seed(seed),
        lambda: llm.create_completion(PROMPT, seed=seed),
        lambda: llm.create_completion(PROMPT, seed=seed, stream=True),
        lambda: make_llama(tiny_model_path, seed=seed),
    )
    for call in calls:
        with pytest.raises(SeedError, match="0 to 4294967294"):
            call()
    assert len(text(llm)) == 24


def test_minus_one_is_a_fresh_seed_everywhere(make_llama: MakeLlama, tiny_model_path: str) -> None:
    """Even if another seed is set: -1 asks for a new text."""
    llm: Any = make_llama(tiny_model_path, drugs=strong(seed=5))

    def seed_after(call: Callable[[], object]) -> int:
        call()
        return int(llm.seed)

    calls: list[Callable[[], object]] = [
        lambda: llm.create_completion(PROMPT, max_tokens=2, seed=-1),
        lambda: list(llm.create_completion(PROMPT, max_tokens=2, seed=-1, stream=True)),
        lambda: llm.create_completion(PROMPT, max_tokens=2, seed=-1, logits_processor=LogitsProcessorList([keep])),
        lambda: llm(PROMPT, max_tokens=2, seed=2**32 - 1),
    ]
    seeds = [seed_after(call) for call in calls for _ in range(2)]
    assert len(set(seeds)) > 6
    assert 5 not in seeds
    assert llm.drugs.seed == 5
    for wanted in (-1, [-1, -1, -1]):
        varied = [choice["seed"] for choice in llm.variations(PROMPT, n=3, seeds=wanted, max_tokens=2)["choices"]]
        assert len(set(varied)) > 1
        assert varied != [varied[0] + i for i in range(3)]
    fresh = make_llama(tiny_model_path, drugs=strong(seed=5), seed=-1)
    assert fresh.drugs.seed is None


def keep(_: Any, scores: Any) -> Any:
    return scores
