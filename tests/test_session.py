"""What a session says about its cache stays true, whatever is called in whatever order."""

from __future__ import annotations

from collections.abc import Callable

import llama_cpp
import numpy as np
import pytest

from conftest import MakeLlama, last_logits
from drugs_cpp import DRUGS, DoseError, Llama, StateError, TokenError, _core

PROMPT = list(range(40, 56))

MakeTiny = Callable[..., Llama]


@pytest.fixture
def make_tiny(make_llama: MakeLlama, tiny_model_path: str) -> MakeTiny:
    return lambda **options: make_llama(tiny_model_path, **options)


def tokens(llm: Llama, prompt: list[int], n: int = 8) -> list[int]:
    run = llm.generate(prompt)
    return [next(run) for _ in range(n)]


@pytest.mark.parametrize("sober_twin", [False, True])
def test_what_lies_after_the_end_is_gone(make_tiny: MakeTiny, sober_twin: bool) -> None:
    llm, fresh = make_tiny(sober_twin=sober_twin), make_tiny()
    llm.eval(PROMPT)
    llm.n_tokens = 5
    llm.eval([60, 61])
    fresh.eval(PROMPT[:5])
    fresh.eval([60, 61])
    np.testing.assert_allclose(last_logits(llm), last_logits(fresh), atol=1e-5)


def test_a_text_that_was_made_shorter_has_no_logits_of_the_longer_one(make_tiny: MakeTiny) -> None:
    llm = make_tiny()
    llm.eval(PROMPT)
    llm.n_tokens = 6
    assert tokens(llm, PROMPT[:6]) == tokens(make_tiny(), PROMPT[:6])


def test_what_is_sent_to_a_generator_is_fed(make_tiny: MakeTiny) -> None:
    llm, fresh = make_tiny(), make_tiny()
    run = llm.generate(PROMPT)
    first = next(run)
    token = run.send([50, 51])
    assert llm.n_tokens == len(PROMPT) + 3
    assert token == tokens(fresh, [*PROMPT, first, 50, 51], 1)[0]


def test_tokens_that_the_model_lacks(make_tiny: MakeTiny) -> None:
    llm = make_tiny()
    with pytest.raises(TokenError, match="token 99999 is not in this model's vocabulary"):
        next(llm.generate([5, 99999]))
    run = llm.generate(PROMPT)
    next(run)
    with pytest.raises(TokenError, match="token 99999"):
        run.send([99999])


def test_a_generator_notices_that_its_cache_was_changed(make_tiny: MakeTiny) -> None:
    llm = make_tiny()
    run = llm.generate(PROMPT)
    next(run)
    llm.reset()
    with pytest.raises(StateError, match="begin it again"):
        next(run)


def test_variations_whose_slots_are_gone_end(make_tiny: MakeTiny) -> None:
    llm = make_tiny(drugs=DRUGS(A=0.3))
    first = llm.variations(PROMPT, n=4, n_parallel=2, max_tokens=1, stream=True)
    next(first)
    second = llm.variations(PROMPT[:9], n=3, max_tokens=6, stream=True)
    next(second)
    with pytest.raises(StateError, match="begin these variations again"):
        list(first)
    wanted = llm.variations(PROMPT[:9], seeds=5, n=3, max_tokens=6)
    third = llm.variations(PROMPT, n=4, n_parallel=2, max_tokens=1, stream=True)
    next(third)
    assert llm.variations(PROMPT[:9], seeds=5, n=3, max_tokens=6)["choices"] == wanted["choices"]
    fourth = llm.variations(PROMPT, n=4, n_parallel=2, max_tokens=1, stream=True)
    next(fourth)
    llm.close()
    with pytest.raises(StateError):
        list(fourth)


def test_wrong_doses_leave_a_plain_model_as_it_is(tiny_model_path: str) -> None:
    plain = llama_cpp.Llama(tiny_model_path, n_ctx=64, n_threads=1, n_threads_batch=1, verbose=False)
    plain.eval(PROMPT)
    with pytest.raises(DoseError, match="'X'"):
        Llama.adopt(plain, {"X": 0.3})
    assert type(plain) is llama_cpp.Llama
    assert plain.n_tokens == len(PROMPT)
    plain.eval([1])
    plain.close()


def test_a_state_that_is_cut_short(make_tiny: MakeTiny) -> None:
    llm = make_tiny()
    llm.eval(PROMPT)
    state = llm.save_state()
    state.llama_state = state.llama_state[:-100]
    llm.eval([70, 71])
    with pytest.raises(StateError, match="damaged"):
        llm.load_state(state)
    assert llm.n_tokens == len(PROMPT) + 2
    assert tokens(llm, PROMPT) == tokens(make_tiny(), PROMPT)


def test_doses_for_a_block(make_tiny: MakeTiny) -> None:
    llm = make_tiny(drugs=DRUGS(A=0.1, multiplier=2, seed=5))
    with llm.dosed(H=0.2) as drugs:
        assert llm.drugs is drugs
        assert drugs == DRUGS(H=0.2, multiplier=2, seed=5)
        with llm.sober():
            assert llm.drugs.is_sober
        with llm.dosed({"A": 0.3, "seed": 6}, V=0.1):
            assert llm.drugs == DRUGS(A=0.3, V=0.1, multiplier=2, seed=6)
    with llm.dosed(DRUGS(A=0.3), V=0.1):
        assert llm.drugs == DRUGS(A=0.3, V=0.1)
    with pytest.raises(TypeError, match="give doses such as"), llm.dosed(0.3):  # type: ignore[arg-type]
        pass
    assert llm.drugs == DRUGS(A=0.1, multiplier=2, seed=5)


def test_a_depth_that_is_not_a_number() -> None:
    with pytest.raises(DoseError, match="not a number"):
        _core.profile_ratio([(0, 1), (1, 2)], "floor", float("nan"))
