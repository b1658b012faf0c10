"""A saved state of a :class:`drugs_cpp.Llama`: llama.cpp's own, and what a dose adds to it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp.llama import LlamaState

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.seed import FRESH
from drugs_cpp.engine.seeds import RunSeed, SeedChain
from drugs_cpp.engine.session import MAIN
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.errors import StateError
from drugs_cpp.model import state_checks

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.engine.session import Session


@dataclass(frozen=True)
class Positions:
    """What is known about the positions in the cache.

    Attributes:
        dirty: bool (n_tokens,), which were computed under a dose.
        computed: int8 (n_tokens,), how each was computed (:class:`Computed`).
        sober_twin: whether the cache also holds a sober copy.
    """

    dirty: npt.NDArray[np.bool_]
    computed: npt.NDArray[np.int8]
    sober_twin: bool


@dataclass(frozen=True)
class DosedPart:
    """What a run needs, in addition to the cache, to continue unchanged.

    Attributes:
        drugs: a copy of the doses.
        seed: the seed of the current run, or None.
        chain: the seed from which the model's chain of seeds continues, or None if there is no chain.
        pending: the token that ``Dgenerate`` chose last and has not fed back yet.
        dose_inputs: what of prompts is dosed.
        sink: number of first positions that are never dosed.
        sober_interval: dirty tokens between two cold showers.
        n_before: positions before the current answer; None, in states of earlier versions: all.
    """

    drugs: DRUGS
    seed: int | None
    chain: int | None
    pending: int | None
    dose_inputs: Inputs
    sink: int
    sober_interval: int
    n_before: int | None = None


class DrugsState(LlamaState):
    """A ``llama_cpp.LlamaState`` with doses, seeds and dirty positions. A plain ``llama_cpp.Llama`` can also load it.

    Args:
        state: llama-cpp-python's.
        positions: those in the cache; None: unknown, and treated as clean.
        dosed: what the model takes over in addition to the cache; None: nothing.
        checksum: of the cache; None: unknown.
    """

    # for unpickled states that lack them
    positions: Positions | None = None
    dosed: DosedPart | None = None
    checksum: int | None = None

    def __init__(
        self, state: LlamaState, positions: Positions | None, dosed: DosedPart | None, checksum: int | None
    ) -> None:
        self.__dict__.update(state.__dict__)
        self.positions = positions
        self.dosed = dosed
        self.checksum = checksum

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def dosed_state(engine: Engine, state: LlamaState) -> DrugsState:
    """Add doses, seeds and dirty positions to a state that was just saved."""
    session, dosing, seeds = engine.session, engine.dosing, engine.seeds
    dirty = np.zeros(session.n_tokens, dtype=np.bool_)
    flags = session.ledger.flags()
    dirty[: len(flags)] = flags
    positions = Positions(dirty, session.computed.save(session.n_tokens), session.twin is not None)
    dosed = DosedPart(
        drugs=dosing.drugs.copy(),
        seed=seeds.running,
        chain=None if seeds.chain is None else seeds.chain.last,
        pending=session.pending,
        dose_inputs=dosing.dose_inputs,
        sink=dosing.sink,
        sober_interval=dosing.sober_interval,
        n_before=session.n_before,
    )
    return DrugsState(state, positions, dosed, state_checks.checksum(state.llama_state))


def cache_alone(state: LlamaState) -> DrugsState:
    """Return the same state reduced to the cache, so that a model keeps its own doses, seeds and rules."""
    if isinstance(state, DrugsState):
        return DrugsState(state, state.positions, None, state.checksum)
    return DrugsState(state, None, None, None)


def _positions_of(state: LlamaState) -> Positions | None:
    return state.positions if isinstance(state, DrugsState) else None


def check_state(engine: Engine, state: LlamaState) -> None:
    """Refuse a state that the model cannot load.

    Raises:
        TypeError: it is not a saved state.
        StateError: it is damaged, comes from another model or a larger context, has a twin that the model lacks, or
            lacks logits that the model keeps.
    """
    if not isinstance(state, LlamaState):
        raise TypeError(f"{state!r} is not a saved state: give what save_state() returned")
    settings = engine.settings
    state_checks.check_cache_part(state)
    if state.scores.shape[1] != settings.n_vocab:
        raise StateError(
            f"the saved state has {state.scores.shape[1]} tokens in its vocabulary, this model {settings.n_vocab}: "
            "load it into the model it was saved from"
        )
    _check_whole(state, settings.n_vocab)
    n_ctx = len(engine.session.tokens)
    if len(state.input_ids) != n_ctx:
        raise StateError(
            f"the saved state has a context of {len(state.input_ids)} tokens, this model {n_ctx}: "
            f"load the model with n_ctx={len(state.input_ids)}"
        )
    if settings.logits_all and len(state.scores) != state.n_tokens:
        raise StateError(
            f"the saved state has the logits of {len(state.scores)} of its {state.n_tokens} tokens: "
            "load it into a model with logits_all=False, or save it from one with logits_all=True"
        )
    positions = _positions_of(state)
    if positions is not None and positions.sober_twin and engine.session.twin is None:
        raise StateError("the saved state has a sober twin: load the model with sober_twin=True")


def _check_whole(state: LlamaState, n_vocab: int) -> None:
    state_checks.check_tokens(state, n_vocab)
    if not isinstance(state, DrugsState):
        return
    if state.positions is not None:
        state_checks.check_positions(state.positions, state.n_tokens)
    if state.dosed is not None:
        state_checks.check_dosed(state.dosed, n_vocab)
    if state.checksum is not None:
        state_checks.check_checksum(state, state.checksum)


def load_positions(engine: Engine, state: LlamaState, scores: npt.NDArray[np.single]) -> None:
    """Load a saved state's cache and what is known about its positions. A state of a plain ``Llama`` is clean.

    Args:
        engine: of the model.
        state: of this model or another one loaded from the same file. Batch sizes may differ.
        scores: the array in which the model keeps logits, float32 (n, n_vocab).

    Raises:
        StateError: as :func:`check_state`, and nothing was changed; or llama.cpp does not accept the cache,
            which is then empty.
    """
    check_state(engine, state)
    session = engine.session
    with interrupt_later():
        if not _set_cache(session, state):
            session.clear()
            raise StateError("the saved state is damaged or from another model: the cache is empty now")
        session.take_loaded(state.input_ids[: state.n_tokens].tolist())
        positions = _positions_of(state)
        if positions is not None:
            session.ledger.load(positions.dirty)
            session.computed.load(positions.computed)
        if engine.settings.logits_all:
            scores[: state.n_tokens] = state.scores
    session.catch_up_twin()


def _set_cache(session: Session, state: LlamaState) -> bool:
    size = int(state.llama_state_size)
    if len(state.llama_state) < size:
        return False
    data = (ctypes.c_uint8 * size).from_buffer_copy(state.llama_state)
    return int(llama_cpp.llama_state_set_data(session.context.ctx, data, size)) == size and _has_all(session, state)


def _has_all(session: Session, state: LlamaState) -> bool:
    """Whether the cache reaches as far as the tokens do. After them it may hold leftovers."""
    memory = session.context.memory
    return memory is None or int(llama_cpp.llama_memory_seq_pos_max(memory, MAIN)) + 1 >= int(state.n_tokens)


def take_settings(engine: Engine, state: LlamaState) -> None:
    """Take over the doses, seeds and rules of a state. The shared doses object is changed in place."""
    if not isinstance(state, DrugsState):
        engine.seeds.go_on_from(state.seed)
    elif state.dosed is not None:
        _take_doses(engine, state.dosed)


def _take_doses(engine: Engine, dosed: DosedPart) -> None:
    dosing, seeds = engine.dosing, engine.seeds
    dosing.drugs.assign(dosed.drugs)
    dosing.dose_inputs = dosed.dose_inputs
    dosing.sink = dosed.sink
    dosing.sober_interval = dosed.sober_interval
    seeds.chain = None if dosed.chain is None else SeedChain(dosed.chain)
    seeds.last_run = None if dosed.seed is None else RunSeed(dosed.seed, dosed.drugs.seed, seeds.chain)
    engine.session.pending = dosed.pending
    if dosed.n_before is not None:
        engine.session.n_before = dosed.n_before


def upstream_seed(engine: Engine) -> int:
    """Return the seed from which a plain ``llama_cpp.Llama`` would continue."""
    chain = engine.seeds.chain
    seed = engine.seeds.in_use if chain is None else chain.last
    return FRESH if seed is None else seed
