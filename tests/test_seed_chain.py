"""After ``set_seed`` or ``Llama(seed=...)``, each call has a new seed, derived from the last one, as in upstream."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import llama_cpp
import pytest
from llama_cpp.llama_cache import LlamaRAMCache

from conftest import MakeLlama
from drugs_cpp import DRUGS, Llama
from drugs_cpp.doses.seed import check_seed, derived_seed
from support.tiny_texts import PROMPT, strong, text

#: so that a sampler's seed makes a difference to the text
HOT: dict[str, Any] = {"temperature": 3.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "max_tokens": 12}

MESSAGES: Any = [{"role": "user", "content": "Name a river."}]


def complete(llm: Any, **kwargs: Any) -> str:
    return str(llm.create_completion(PROMPT, **{**HOT, **kwargs})["choices"][0]["text"])


def plain_llama(path: str, **kwargs: Any) -> Any:
    return llama_cpp.Llama(path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False, **kwargs)


def several(llm: Any, n: int = 4, **kwargs: Any) -> list[tuple[str, int]]:
    """Texts, each with its seed."""
    found = []
    for _ in range(n):
        words = complete(llm, **kwargs)
        seed: Any = llm.seed if isinstance(llm, Llama) else llm._seed
        found.append((words, seed))
    return found


@pytest.mark.parametrize("drugs", [None, strong(seed=None)], ids=["sober", "dosed"])
def test_each_call_has_another_seed_and_setting_it_again_begins_anew(
    make_llama: MakeLlama, tiny_model_path: str, drugs: DRUGS | None
) -> None:
    llm = make_llama(tiny_model_path, drugs=drugs, seed=1337)
    assert llm.seed == 1337
    first = several(llm)
    assert len({words for words, _ in first}) == len({seed for _, seed in first}) == 4
    llm.set_seed(1337)
    assert several(llm) == first
    assert [complete(llm, seed=seed) for _, seed in first] == [words for words, _ in first]


def test_texts_and_seeds_are_upstreams(make_llama: MakeLlama, tiny_model_path: str) -> None:
    plain = plain_llama(tiny_model_path, seed=1337)
    llm = make_llama(tiny_model_path, seed=1337)
    assert several(llm) == several(plain)
    assert complete(llm, seed=5) == complete(plain, seed=5)
    assert several(llm, 2) == several(plain, 2)
    for model in (plain, llm):
        model.set_seed(9)
    assert several(llm, 2, logits_processor=None) == several(plain, 2)
    plain.close()


def test_every_kind_of_call_moves_on(make_llama: MakeLlama, tiny_model_path: str) -> None:
    def same(_: Any, logits: Any) -> Any:
        return logits

    calls: list[Callable[[Any], object]] = [
        lambda llm: llm.create_completion(PROMPT, **HOT),
        lambda llm: list(llm.create_completion(PROMPT, **HOT, stream=True)),
        lambda llm: llm(PROMPT, **HOT),
        lambda llm: llm.create_completion(PROMPT, **HOT, logits_processor=llama_cpp.LogitsProcessorList([same])),
        lambda llm: llm.create_chat_completion(MESSAGES, max_tokens=2),
        lambda llm: list(llm.create_chat_completion(MESSAGES, max_tokens=2, stream=True)),
    ]
    llm = make_llama(tiny_model_path, seed=3, chat_format="chatml", n_ctx=512)
    wanted = 3
    for call in calls:
        call(llm)
        wanted = derived_seed(wanted)
        assert llm.seed == wanted
    llm.set_cache(LlamaRAMCache(2 << 20))
    for _ in range(2):  # the second one finds the state of the first one in the cache
        complete(llm)
        wanted = derived_seed(wanted)
        assert llm.seed == wanted


def test_a_stream_moves_on_when_it_begins(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, seed=3)
    llm.create_completion(PROMPT, **HOT, stream=True)  # never started
    complete(llm)
    assert llm.seed == derived_seed(3)


def test_a_seed_given_to_a_call_is_exact_and_the_chain_goes_on_from_it(
    make_llama: MakeLlama, tiny_model_path: str
) -> None:
    llm = make_llama(tiny_model_path, drugs=strong(seed=None), seed=3)
    words = complete(llm, seed=8)
    assert llm.seed == 8
    assert complete(llm) != words
    assert llm.seed == derived_seed(8)
    assert complete(llm, seed=8) == words


def test_a_seed_of_the_doses_is_that_of_every_run(llm: Llama) -> None:
    assert len(set(several(llm))) == 1
    assert llm.seed == 7
    with llm.dosed(A=0.5, seed=8):
        assert len(set(several(llm))) == 1
        assert llm.seed == 8


def test_the_seed_that_is_set_last_counts(llm: Llama, make_llama: MakeLlama, tiny_model_path: str) -> None:
    wanted = several(make_llama(tiny_model_path, drugs=strong(seed=None), seed=5))
    llm.set_seed(5)
    assert llm.drugs == strong(seed=None)
    assert several(llm) == wanted
    llm.drugs.set_seed(6)
    assert {seed for _, seed in several(llm)} == {6}
    llm.set_seed(None)
    assert len({seed for _, seed in several(llm)}) == 4
    assert several(make_llama(tiny_model_path, drugs=strong(seed=9), seed=5)) == wanted


def test_without_any_seed_a_calls_own_begins_no_chain(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    found = set()
    for _ in range(3):
        complete(llm, seed=8)
        complete(llm)
        found.add(llm.seed)
    assert len(found) == 3


def test_token_by_token_it_stands_still(make_llama: MakeLlama, tiny_model_path: str) -> None:
    plain = plain_llama(tiny_model_path, seed=3)
    llm = make_llama(tiny_model_path, seed=3)
    hot: dict[str, Any] = {"temp": 3.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    assert text(llm, **hot) == text(llm, **hot) == text(plain, **hot)
    assert llm.seed == 3
    complete(llm)
    complete(plain)
    assert text(llm, **hot) == text(plain, **hot)
    plain.close()


def test_a_single_sample_has_the_seed_as_it_stands(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    complete(llm)
    llm.reset()
    llm.eval(PROMPT)
    for seed in range(4):
        llm.set_seed(seed)
        plain = plain_llama(tiny_model_path)
        plain.set_seed(seed)
        plain.eval(PROMPT)
        assert llm.sample(temp=3.0, top_k=0) == plain.sample(temp=3.0, top_k=0)
        plain.close()


def test_a_state_brings_it_back(llm: Llama, make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm.set_seed(1337)
    fresh = pickle.loads(pickle.dumps(llm.save_state()))
    wanted = several(llm)
    middle = llm.save_state()
    rest = several(llm)
    llm.drugs.set_seed(5)
    llm.load_state(fresh)
    assert several(llm) == wanted
    llm.load_state(middle)
    assert llm.seed == wanted[-1][1]
    assert several(llm) == rest
    other = make_llama(tiny_model_path)
    other.load_state(middle)
    assert several(other) == rest
    twin = pickle.loads(pickle.dumps(other))
    assert several(twin) == several(other)
    twin.close()


def test_a_seed_set_before_a_state_was_saved_is_not_that_of_the_last_run(llm: Llama) -> None:
    text(llm)
    llm.set_seed(9)
    llm.load_state(llm.save_state())
    llm.Dgenerate([50], max_new_tokens=2)
    assert llm.seed == 9


def test_states_carry_it_to_upstream_and_back(make_llama: MakeLlama, tiny_model_path: str) -> None:
    plain = plain_llama(tiny_model_path)
    llm = make_llama(tiny_model_path, seed=1337)
    complete(llm)
    plain.load_state(llm.save_state())
    assert several(plain) == several(llm)
    plain.set_seed(5)
    llm.load_state(plain.save_state())
    assert several(plain) == several(llm)
    adopted = Llama.adopt(plain)
    assert several(adopted) == several(llm)
    adopted.close()


def test_a_plain_model_without_a_seed_brings_none(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, seed=3)
    plain = plain_llama(tiny_model_path)
    llm.load_state(plain.save_state())
    complete(llm)
    assert llm.seed != derived_seed(3)
    assert Llama.adopt(plain).seed is None
    plain.close()


def test_variations_move_on_and_leave_the_models_run_alone(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm: Any = make_llama(tiny_model_path, drugs=strong(seed=None), seed=40)
    first = derived_seed(40)
    seeds = [[c["seed"] for c in llm.variations(PROMPT, n=3, max_tokens=1)["choices"]] for _ in range(2)]
    assert seeds == [[s, s + 1, s + 2] for s in (first, derived_seed(first))]

    llm.set_seed(40)
    llm.Dgenerate(PROMPT, max_new_tokens=4)
    wanted = llm.Dgenerate([], max_new_tokens=12)
    llm.set_seed(40)
    llm.Dgenerate(PROMPT, max_new_tokens=4, past_key_values=None)
    llm.variations(PROMPT, n=3, max_tokens=1)
    assert llm.seed == 40
    assert llm.Dgenerate([], max_new_tokens=12) == wanted


def test_derived_seeds_are_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (0, 1, 1337, 2**32 - 2):
        assert check_seed(derived_seed(seed)) == derived_seed(seed) == derived_seed(seed)
    for drawn in (0, 2**32 - 2, 2**32 - 1, 2**32):
        monkeypatch.setattr("random.Random.randint", lambda *_, drawn=drawn: drawn)
        assert check_seed(derived_seed(1)) is not None
