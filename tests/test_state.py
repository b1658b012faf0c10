"""What preserves doses, seed and dirty positions: saved states, caches, pickles."""

from __future__ import annotations

import pickle
from typing import Any

import llama_cpp
import numpy as np
import pytest
from llama_cpp.llama_cache import LlamaRAMCache

from conftest import MakeLlama
from drugs_cpp import DRUGS, Llama, StateError
from support.tiny_texts import PROMPT, batches_of, strong, text


def disturb(llm: Llama) -> None:
    """Another run, with all settings changed."""
    llm.drugs.detox()
    llm.set_seed(99)
    llm.sink = 0
    llm.dose_inputs = True
    llm.sober_interval = 3
    llm.Dgenerate([3, 4, 5], max_new_tokens=8, past_key_values=None)


@pytest.mark.parametrize("seed", [7, None])
def test_a_restored_run_continues_as_it_would_have(llm: Llama, seed: int | None) -> None:
    llm.drugs.set_seed(seed)
    llm.sober_interval = 12
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    state = llm.save_state()
    dirty, used = llm.dirty_count, llm.seed
    wanted = llm.Dgenerate([], max_new_tokens=20)

    disturb(llm)
    llm.load_state(state)
    assert (llm.dirty_count, llm.seed, llm.drugs.seed) == (dirty, used, seed)
    assert (llm.sink, llm.dose_inputs, llm.sober_interval) == (6, False, 12)
    assert llm.Dgenerate([], max_new_tokens=20) == wanted


def test_loading_puts_the_doses_into_the_shared_object(llm: Llama) -> None:
    drugs = llm.drugs
    state = llm.save_state()
    drugs.set_A_dose_theta(0.9)
    llm.load_state(state)
    assert llm.drugs is drugs
    assert drugs == strong()


def test_a_saved_state_does_not_follow_later_changes(llm: Llama) -> None:
    state = llm.save_state()
    llm.drugs.detox()
    assert state.dosed is not None
    assert state.dosed.drugs == strong()


def test_a_state_goes_to_another_object_and_through_pickle(
    llm: Llama, make_llama: MakeLlama, tiny_model_path: str
) -> None:
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    state = pickle.loads(pickle.dumps(llm.save_state()))
    other = make_llama(tiny_model_path)
    other.load_state(state)
    assert other.dirty_count == llm.dirty_count
    assert other.Dgenerate([], max_new_tokens=10) == llm.Dgenerate([], max_new_tokens=10)


def test_a_state_knows_what_was_computed_alone(
    make_llama: MakeLlama, tiny_model_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm, other = (make_llama(tiny_model_path, drugs=strong(), repeatable=False) for _ in range(2))
    text(llm)
    other.load_state(llm.save_state())
    sizes = batches_of(other, monkeypatch)
    next(other.generate([*PROMPT, 50]))
    assert sizes == [2, 1]


def test_a_pickled_model_continues_as_it_would_have(llm: Llama) -> None:
    llm.sober_interval = 9
    llm.sink = 4
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    twin = pickle.loads(pickle.dumps(llm))
    try:
        assert isinstance(twin, Llama)
        assert (twin.drugs, twin.seed, twin.sink, twin.dirty_count) == (llm.drugs, 7, 4, llm.dirty_count)
        assert twin.Dgenerate([], max_new_tokens=12) == llm.Dgenerate([], max_new_tokens=12)
        assert text(twin) == text(llm)
    finally:
        twin.close()


def test_a_fresh_model_can_be_pickled(llm: Llama) -> None:
    twin = pickle.loads(pickle.dumps(llm))
    assert text(twin) == text(llm)
    twin.close()


def test_a_plain_state_is_clean_and_ours_serves_upstream(llm: Llama, tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    plain.load_state(llm.save_state())
    assert plain.n_tokens == llm.n_tokens
    llm.load_state(plain.save_state())
    assert llm.dirty_count == 0
    assert llm.drugs == strong()
    plain.close()


def test_reset_keeps_doses_and_seed(llm: Llama) -> None:
    wanted = text(llm)
    llm.reset()
    assert (llm.dirty_count, llm.n_tokens) == (0, 0)
    assert llm.drugs == strong()
    assert text(llm) == wanted


def complete(llm: Llama, prompt: list[int] = PROMPT, **kwargs: Any) -> list[int]:
    llm.create_completion(prompt, max_tokens=20, **kwargs)
    return list(llm.input_ids[: llm.n_tokens])


@pytest.mark.parametrize("warm", [False, True])
def test_a_cache_changes_no_text(llm: Llama, warm: bool) -> None:
    """A hit restores positions; the caller's settings still hold, and dirty positions are not used for a prompt."""
    other = [1, 9, 8, 7, 6, 5, 4]
    wanted, wanted_other = complete(llm), complete(llm, other)
    longer = wanted[:20]
    wanted_longer = complete(llm, longer)
    llm.set_cache(LlamaRAMCache(2 << 28))
    for _ in range(1 + warm):
        assert complete(llm) == wanted
        assert complete(llm, other) == wanted_other
        assert complete(llm, longer) == wanted_longer
    assert llm.drugs == strong()


def test_a_cache_hit_keeps_the_callers_doses_and_seed(llm: Llama) -> None:
    llm.set_cache(LlamaRAMCache(2 << 28))
    complete(llm, seed=1)
    complete(llm, [1, 9, 8, 7, 6, 5, 4])
    llm.drugs.assign(DRUGS(A=0.2))
    complete(llm, seed=2)
    assert llm.drugs == DRUGS(A=0.2)
    assert llm.seed == 2


def test_what_is_no_state(llm: Llama) -> None:
    llm.eval([5, 6, 7])
    with pytest.raises(TypeError, match="'hello' is not a saved state"):
        llm.load_state("hello")  # type: ignore[arg-type]
    assert llm.n_tokens == 3


def test_states_that_do_not_fit(llm: Llama, make_llama: MakeLlama, tiny_model_path: str, model_path: str) -> None:
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    for path, n_ctx, message in [(tiny_model_path, 128, "context of 128 tokens"), (model_path, 256, "vocabulary")]:
        state = make_llama(path, n_ctx=n_ctx).save_state()
        with pytest.raises(StateError, match=message):
            llm.load_state(state)
    assert llm.dirty_count == 5


def test_damaged_states(llm: Llama, tiny_model_path: str) -> None:
    """Nothing of a damaged state of ours is loaded; of a plain model's, without a checksum, a part may be."""
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    state = llm.save_state()
    state.llama_state = state.llama_state[:-1] + b"\x7f"
    with pytest.raises(StateError, match=r"damaged \(its cache\): nothing was changed"):
        llm.load_state(state)
    assert llm.dirty_count == 5

    plain = llama_cpp.Llama(tiny_model_path, n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    plain.eval(PROMPT)
    of_plain = plain.save_state()
    of_plain.llama_state = b"\0" * len(of_plain.llama_state)
    with pytest.raises(StateError, match="the cache is empty now"):
        llm.load_state(of_plain)
    assert llm.n_tokens == 0
    assert len(text(llm)) == 24

    plain.reset()  # leaves the contents of the cache
    of_plain = plain.save_state()
    of_plain.n_tokens = len(PROMPT) + 1
    of_plain.input_ids[len(PROMPT)] = 1  # memory that was never written
    with pytest.raises(StateError, match="the cache is empty now"):
        llm.load_state(of_plain)
    plain.close()


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("", "n_tokens", 300),
        ("", "n_tokens", "3"),
        ("", "input_ids", None),
        ("", "input_ids", np.full(256, 128, np.intc)),
        ("", "scores", np.zeros(3, np.single)),
        ("", "llama_state", None),
        ("", "llama_state_size", -1),
        ("positions", "dirty", np.zeros(3, np.bool_)),
        ("positions", "computed", np.full(13, 9, np.int8)),
        ("positions", "sober_twin", None),
        ("dosed", "drugs", {"A": 0.3}),
        ("dosed", "chain", 2**32),
        ("dosed", "pending", 128),
        ("dosed", "sink", -1),
        ("dosed", "sober_interval", 0.5),
    ],
)
def test_parts_that_cannot_be_taken_over(llm: Llama, part: str, name: str, value: Any) -> None:
    llm.Dgenerate(PROMPT, max_new_tokens=6)
    before = llm.n_tokens, llm.dirty_count
    state = llm.save_state()
    object.__setattr__(getattr(state, part) if part else state, name, value)
    with pytest.raises(StateError, match="the saved state"):
        llm.load_state(state)
    assert (llm.n_tokens, llm.dirty_count) == before
    assert llm.drugs == strong()
