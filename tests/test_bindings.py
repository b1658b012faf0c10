"""What the bindings refuse: counts, duplicates and ranges that C++ would not check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from llama_cpp._internals import LlamaSampler

from conftest import MakeLlama
from drugs_cpp import SITES, DoseError, Llama, NoLogitsError, TokenError, _core
from drugs_cpp.engine.sampling import address as address_of

INT_MAX = 2**31 - 1


@pytest.fixture
def llm(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path)


def sequence(seq_id: int = 0, **changes: Any) -> _core.Sequence:
    given: dict[str, Any] = {"n_past": 1, "n_max": 8, "stop": [], "stop_tokens": [], "sampler": 0, **changes}
    return _core.Sequence(seq_id, given.pop("n_past"), given.pop("n_max"), **given)


def ready(llm: Llama, **changes: Any) -> _core.Sequence:
    """A sequence that can continue after a token."""
    chosen = sequence(**changes)
    llm.engine.session.decoder.choose(chosen, np.zeros(llm.n_vocab(), np.float32))
    return chosen


def test_evaluating(llm: Llama) -> None:
    decoder = llm.engine.session.decoder
    wrong: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (ValueError, "sequence 0 is there twice", lambda: decoder.evaluate([1], 0, [0] * 100_000)),
        (ValueError, "sequence 0 is there twice", lambda: decoder.evaluate([1], 0, [0] * 100_000, shared=False)),
        (ValueError, "no sequence", lambda: decoder.evaluate([1], 0, [])),
        (ValueError, "sequence 1 does not exist", lambda: decoder.evaluate([1], 0, [1])),
        (ValueError, "sequence -1 does not exist", lambda: decoder.evaluate([1], 0, [-1])),
        (ValueError, "1 tokens after -1 others", lambda: decoder.evaluate([1], -1, [0])),
        (ValueError, "1 tokens after 2147483647 others", lambda: decoder.evaluate([1], INT_MAX, [0])),
        (TokenError, "token 128 is not in", lambda: decoder.evaluate([1, 128], 0, [0])),
        (TokenError, "token -1 is not in", lambda: decoder.evaluate([-1], 0, [0])),
    ]
    for kind, message, call in wrong:
        with pytest.raises(kind, match=message):
            call()
    decoder.evaluate([1, 2], 0, [0])


def test_sequences() -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("after -1 others", {"n_past": -1}),
        ("n_max is 0", {"n_max": 0}),
        ("n_max is -5", {"n_max": -5}),
        ("n_extra is -1", {"n_extra": -1}),
    ]
    for message, changes in wrong:
        with pytest.raises(ValueError, match=message):
            sequence(**changes)


def test_decoding(llm: Any) -> None:
    llm.eval([1])
    decoder = llm.engine.session.decoder
    one = ready(llm)
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("sequences holds None", lambda: decoder.run([None], 1, [], False)),
        ("unchanged holds None", lambda: decoder.run([one], 1, [(None, 0)], False)),
        ("sequence 0 is there twice", lambda: decoder.run([one, one], 1, [], False)),
        ("sequence 0 is there twice", lambda: decoder.run([one, ready(llm)], 1, [], False)),
        ("sequence 0 is there twice", lambda: decoder.run([ready(llm, twin=0)], 1, [], False)),
        ("sequence 7 does not exist", lambda: decoder.run([ready(llm, seq_id=7)], 1, [], False)),
        ("sequence 7 does not exist", lambda: decoder.run([ready(llm, twin=7)], 1, [], False)),
        ("has no token to continue from", lambda: decoder.run([sequence()], 1, [], False)),
    ]
    for message, call in wrong:
        with pytest.raises(ValueError, match=message):
            call()
    decoder.run([], 1, [], False)
    decoder.run([one], -1, [], False)
    assert one.n_tokens == 1
    decoder.run([one], 1, [], False)
    assert one.n_tokens == 2


def test_sampling_in_pythons_loop(llm: Any) -> None:
    ctx = llm.engine.session.address
    with pytest.raises(ValueError, match="sampler is 0"):
        _core.sample(ctx, 0, -1)
    sampler = LlamaSampler()
    sampler.add_greedy()
    address = address_of(sampler)
    with pytest.raises(NoLogitsError, match="no logits in row -1"):
        _core.sample(ctx, address, -1)
    llm.eval([1, 2])
    assert 0 <= _core.sample(ctx, address, -1) < llm.n_vocab()
    with pytest.raises(NoLogitsError, match="no logits in row 5"):
        _core.sample(ctx, address, 5)


def test_the_ledger_takes_any_number() -> None:
    ledger = _core.ShowerLedger()
    ledger.computed(0, 5, True, -(2**31))
    ledger.shift(2, INT_MAX)
    assert (ledger.n_tokens, ledger.n_dirty) == (2, 2)
    ledger.shift(-5, -5)
    assert ledger.until_due(-(2**31)) == 0
    assert ledger.until_due(INT_MAX) == INT_MAX - 2
    ledger.cut(-7)
    assert ledger.n_tokens == 0


def test_tables() -> None:
    for n_layer in (0, -1, 1025, INT_MAX):
        with pytest.raises(DoseError, match=f"n_layer is {n_layer}"):
            _core.dose_table([0.1] * len(SITES), {}, 1.0, n_layer)
    with pytest.raises(DoseError, match="has 1001 points: give 1000 at most"):
        _core.profile_ratio([(0.5, 1.0)] * 1001, "floor", 0.5)


def test_attention_without_heads() -> None:
    q, k = np.zeros((1, 0, 32), np.float32), np.zeros((2, 1, 32), np.float32)
    with pytest.raises(ValueError, match="there are 0 query heads"):
        _core.attend_scores(q, k, 0.1, 1, [0], [0, 1])
    p, v = np.zeros((0, 1, 2), np.float32), np.zeros((2, 1, 32), np.float32)
    with pytest.raises(ValueError, match="there are 0 query heads"):
        _core.attend_values(p, v, False, 0.1, 1, [0], [0, 1])


def test_every_cache_type_is_computed_or_refused() -> None:
    """Some types have tables that must be initialized before a row can be written."""
    q, k = np.ones((1, 1, 256), np.float32), np.ones((2, 1, 256), np.float32)
    usual = ["f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q8_1"]
    large = ["q2_K", "q3_K", "q4_K", "q5_K", "q6_K", "iq4_nl", "iq4_xs", "iq3_s", "iq3_xxs", "iq2_s", "tq1_0", "mxfp4"]
    names = usual + large
    refused = 0
    for name in names:
        try:
            assert _core.attend_scores(q, k, 0.1, 1, [0], [0, 1], cache_type=name).shape == (1, 1, 2)
        except ValueError:
            refused += 1
    assert refused < len(names) // 2
