"""dose_inputs="last": only the last position of a prompt, whose output is the first new token, is dosed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drugs_cpp import DRUGS, Llama, OptionError

PROMPT = "Once upon a time"
STRONG = {"A": 1, "H": 1, "pV": 1}


@pytest.fixture(params=[None, False], ids=["repeatable", "not repeatable"])
def llm(request: pytest.FixtureRequest, tiny_model_path: str) -> Iterator[Llama]:
    model = Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False, dose_inputs="last", repeatable=request.param)
    yield model
    model.close()


def generated(llm: Llama, seed: int, n: int = 12) -> list[int]:
    llm.drugs = DRUGS(STRONG, seed=seed)
    return llm.Dgenerate(llm.tokenize(PROMPT.encode()), max_new_tokens=n, past_key_values=None)


def test_it_is_the_last_position_that_is_dosed(llm: Llama) -> None:
    tokens = llm.tokenize(PROMPT.encode())
    found = generated(llm, 3)
    assert llm.engine.session.ledger.first_dirty == len(tokens) - 1
    by_hand = Llama(llm.model_path, n_ctx=256, n_threads=1, verbose=False, repeatable=llm.repeatable)
    by_hand.drugs = DRUGS(STRONG, seed=3)
    by_hand.eval(tokens[:-1], dosed=False)
    by_hand.eval(tokens[-1:], dosed=True)
    assert by_hand.Dgenerate([], max_new_tokens=12) == found
    by_hand.eval(tokens, dosed="last")
    by_hand.close()


def test_first_tokens_differ_between_seeds(llm: Llama) -> None:
    first = {generated(llm, seed, 1)[0] for seed in range(12)}
    llm.dose_inputs = False
    assert len({generated(llm, seed, 1)[0] for seed in range(12)}) == 1
    assert len(first) > 3


def test_a_prompt_in_the_cache_changes_nothing(llm: Llama) -> None:
    texts: dict[int, str] = {}
    for seed in (1, 2, 1, 1, 2):
        llm.drugs = DRUGS(STRONG, seed=seed)
        answer: Any = llm.create_completion(PROMPT, max_tokens=12)
        texts.setdefault(seed, answer["choices"][0]["text"])
        assert answer["choices"][0]["text"] == texts[seed]
    llm.dose_inputs = False
    answer = llm.create_completion(PROMPT, max_tokens=12)
    llm.dose_inputs = "last"
    llm.create_completion(PROMPT, max_tokens=12)
    llm.dose_inputs = False
    assert llm.create_completion(PROMPT, max_tokens=12)["choices"] == answer["choices"]


def test_variations_are_the_texts_alone_and_compute_the_prompt_once(llm: Llama) -> None:
    llm.drugs = DRUGS(STRONG)
    varied: Any = llm.variations(PROMPT, seeds=[5, 6, 7, 8], max_tokens=12, n_parallel=2)
    for choice in varied["choices"]:
        llm.drugs = DRUGS(choice["drugs"])
        alone: Any = llm.create_completion(PROMPT, max_tokens=12)
        assert alone["choices"][0]["text"] == choice["text"]


@pytest.mark.parametrize("order", [[1, 0], [0, 1], [1, 0, 1], [0, 0]])
@pytest.mark.parametrize("n_parallel", [1, 3])
def test_sober_variations_beside_dosed_ones(llm: Llama, order: list[int], n_parallel: int) -> None:
    prompt = PROMPT + " there was a"
    drugs = [{**STRONG, "seed": seed} if dosed else {} for seed, dosed in enumerate(order)]
    varied: Any = llm.variations(prompt, drugs=drugs, max_tokens=12, n_parallel=n_parallel)
    for each, choice in zip(drugs, varied["choices"]):
        alone: Any = llm.variations(prompt, drugs=[each], max_tokens=12)
        assert alone["choices"][0]["text"] == choice["text"]


@pytest.mark.parametrize("prompt", [[5], [5, 6]])
def test_prompts_within_the_sink(llm: Llama, prompt: list[int]) -> None:
    llm.drugs = DRUGS(STRONG)
    varied: Any = llm.variations(prompt, seeds=[5, 6], max_tokens=12)
    llm.dose_inputs = False
    sober_prompt: Any = llm.variations(prompt, seeds=[5, 6], max_tokens=12)
    assert [c["text"] for c in varied["choices"]] == [c["text"] for c in sober_prompt["choices"]]


def test_a_shower_cleans_it(llm: Llama) -> None:
    generated(llm, 3, 5)
    tokens = llm.engine.session.past
    assert llm.cold_shower() == 5
    assert llm.engine.session.ledger.first_dirty is None
    assert llm.engine.session.past == tokens


def test_a_saved_state_keeps_it(llm: Llama) -> None:
    generated(llm, 3, 5)
    state: Any = llm.save_state()
    wanted = llm.Dgenerate([], max_new_tokens=6)
    llm.dose_inputs = False
    llm.load_state(state)
    assert str(llm.dose_inputs) == "last"
    assert llm.Dgenerate([], max_new_tokens=6) == wanted


def test_what_it_can_be(tiny_model_path: str, llm: Llama) -> None:
    with pytest.raises(OptionError, match="dose_inputs is 'first': give True, False or \"last\""):
        llm.dose_inputs = "first"  # type: ignore[assignment]
    assert llm.dose_inputs == "last"
    with pytest.raises(OptionError):
        Llama(tiny_model_path, dose_inputs="no")  # type: ignore[arg-type]
