"""The ledger of dirty positions, compared with a model of it that is just a list of flags."""

from __future__ import annotations

from typing import Any

import llama_cpp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import MakeLlama, built_by_make
from drugs_cpp import Llama, _core
from support.tiny_architectures import TOKENS, tiny_models

small = st.integers(0, 40)

#: a call of the ledger: its name and arguments
calls = st.one_of(
    st.tuples(st.just("computed"), small, small, st.booleans(), small),
    st.tuples(st.just("cut"), small),
    st.tuples(st.just("shift"), small, small),
    st.tuples(st.just("clear")),
    st.tuples(st.just("load"), st.lists(st.booleans(), max_size=40)),
)


def by_hand(flags: list[bool], call: tuple[Any, ...]) -> list[bool]:
    """The effect of a call on the flags of all positions, position by position."""
    name, *arguments = call
    if name == "computed":
        start, n_new, dosed, sink = arguments
        old = [position < len(flags) and flags[position] for position in range(start)]
        return old + [dosed and position >= sink for position in range(start, start + n_new)]
    if name == "cut":
        return [flag for position, flag in enumerate(flags) if position < arguments[0]]
    if name == "shift":
        n_keep, n_gone = arguments
        return [flag for position, flag in enumerate(flags) if not n_keep <= position < n_keep + n_gone]
    return [] if name == "clear" else list(arguments[0])


def apply(ledger: _core.ShowerLedger, call: tuple[Any, ...]) -> None:
    name, *arguments = call
    if name == "computed":
        start, n_new, dosed, sink = arguments
        arguments = [start, start + n_new, dosed, sink]
    if name == "load":
        arguments = [np.array(arguments[0], dtype=bool)]
    getattr(ledger, name)(*arguments)


@given(st.lists(calls, max_size=12), st.integers(1, 50))
def test_it_agrees_with_a_list_of_flags(history: list[tuple[Any, ...]], interval: int) -> None:
    ledger, flags = _core.ShowerLedger(), list[bool]()
    for call in history:
        apply(ledger, call)
        flags = by_hand(flags, call)
        assert ledger.flags().tolist() == flags
        assert ledger.n_tokens == len(flags)
        assert ledger.n_dirty == sum(flags)
        assert ledger.first_dirty == (flags.index(True) if True in flags else None)
        assert ledger.is_due(interval) == (sum(flags) >= interval)
        assert ledger.until_due(interval) == max(0, interval - sum(flags))


@given(st.lists(st.booleans(), max_size=40))
def test_flags_can_be_kept_and_loaded(flags: list[bool]) -> None:
    ledger, copy = _core.ShowerLedger(), _core.ShowerLedger()
    ledger.load(np.array(flags, dtype=bool))
    kept = ledger.flags()
    ledger.clear()
    copy.load(kept)
    assert kept.dtype == np.bool_
    assert (copy.flags().tolist(), ledger.n_tokens) == (flags, 0)


def test_a_shower_is_due_at_the_interval_and_not_before() -> None:
    ledger = _core.ShowerLedger()
    ledger.computed(0, 12, True, 6)
    assert [ledger.is_due(interval) for interval in (5, 6, 7)] == [True, True, False]
    assert [ledger.until_due(interval) for interval in (5, 6, 7)] == [0, 0, 1]
    assert not _core.ShowerLedger().is_due(0)  # there is nothing to compute again


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 2)])
def test_positions_that_cannot_be(start: int, end: int) -> None:
    ledger = _core.ShowerLedger()
    with pytest.raises(ValueError, match=f"{start} to {end}"):
        ledger.computed(start, end, True, 0)


def test_flags_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        _core.ShowerLedger().load(np.zeros((2, 3), dtype=bool))


#
# what a decoder records
#


def begin(llm: Llama, n_prompt: int, ledger: _core.ShowerLedger | None) -> _core.Sequence:
    llm.eval(list(range(1, n_prompt + 1)))
    sequence = _core.Sequence(0, n_prompt, 200, stop=[], stop_tokens=[], sampler=0, ledger=ledger)
    llm.engine.session.decoder.choose(sequence, llm.engine.session.decoder.logits())
    return sequence


def test_a_decoder_notes_each_token_and_stops_when_a_shower_is_due(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm, ledger = make_llama(tiny_model_path), _core.ShowerLedger()
    sequence = begin(llm, 10, ledger)
    assert (sequence.ledger is ledger, sequence.dosed, sequence.sink) == (True, False, 0)
    sequence.dosed, sequence.sink = True, 12
    llm.engine.session.decoder.run([sequence], 100, [], False, sober_interval=5)
    assert (sequence.n_past, ledger.n_tokens, ledger.n_dirty, ledger.first_dirty) == (17, 17, 5, 12)
    llm.engine.session.decoder.run([sequence], 100, [], False, sober_interval=5)  # already due
    assert sequence.n_past == 17
    llm.engine.session.decoder.run([sequence], 3, [], False, sober_interval=100)
    sequence.dosed = False
    llm.engine.session.decoder.run([sequence], 4, [], False)
    assert ledger.flags().tolist() == 12 * [False] + 8 * [True] + 4 * [False]


def test_a_shower_that_is_due_for_one_sequence_stops_all(make_llama: MakeLlama, tiny_model_path: str) -> None:
    with_two = make_llama(tiny_model_path, sober_twin=True)  # a context of two sequences
    ledgers = [_core.ShowerLedger(), _core.ShowerLedger()]
    sequences = []
    for seq_id, ledger in enumerate(ledgers):
        with_two.engine.session.decoder.evaluate([1, 2, 3, 4], 0, [seq_id])
        sequence = _core.Sequence(seq_id, 4, 200, stop=[], stop_tokens=[], sampler=0, ledger=ledger)
        with_two.engine.session.decoder.choose(sequence, with_two.engine.session.decoder.logits())
        sequence.dosed = True
        sequences.append(sequence)
    sequences[1].sink = 9
    with_two.engine.session.decoder.run(sequences, 100, [], False, sober_interval=6)
    assert [ledger.n_dirty for ledger in ledgers] == [6, 1]


def test_a_sequence_needs_no_ledger(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    sequence = begin(llm, 10, None)
    sequence.dosed = True
    llm.engine.session.decoder.run([sequence], 7, [], False, sober_interval=2)
    assert (sequence.ledger, sequence.n_past) == (None, 17)


#
# if the cache can go back
#


def address(llm: Llama) -> int:
    return int(llm._ctx.ctx)


def last_position(llm: Llama) -> int:
    return int(llama_cpp.llama_memory_seq_pos_max(llama_cpp.llama_get_memory(llm._ctx.ctx), 0))


def test_a_cache_of_positions_is_shortened(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    llm.eval(list(range(1, 21)))
    assert (_core.shorten(address(llm), 0, 12), last_position(llm)) == (12, 11)
    assert (_core.shorten(address(llm), 0, 30), last_position(llm)) == (30, 11)
    assert (_core.shorten(address(llm), 0, 0), last_position(llm)) == (0, -1)


@pytest.mark.parametrize(
    ("architecture", "swa_full", "left"), [("gemma3", False, 0), ("gemma3", True, 300), ("mamba", True, 0)]
)
def test_a_cache_that_cannot_go_back_is_emptied(
    architecture: str, swa_full: bool, left: int, make_llama: MakeLlama
) -> None:
    """A window slides over 600 positions, which a full cache keeps; a recurrent state has only the last one."""
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        for path in paths:
            llm = make_llama(path, n_ctx=1024, n_batch=64, n_ubatch=64, swa_full=swa_full)
            llm.eval([TOKENS[i % len(TOKENS)] for i in range(600)])
            assert _core.shorten(address(llm), 0, 300) == left
            assert last_position(llm) == left - 1


def test_sequences_and_lengths_that_cannot_be(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path)
    with pytest.raises(ValueError, match="sequence 1 does not exist"):
        _core.shorten(address(llm), 1, 0)
    with pytest.raises(ValueError, match="n_tokens is -1"):
        _core.shorten(address(llm), 0, -1)
    with pytest.raises(ValueError, match="ctx is 0"):
        _core.shorten(0, 0, 0)
