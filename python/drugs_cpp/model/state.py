"""A saved state of a :class:`drugs_cpp.Llama`: llama.cpp's own, and what a dose adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from llama_cpp.llama import LlamaState

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.engine.run import RunSeed
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine


@dataclass(frozen=True)
class DosedPart:
    """What a run needs, beside the cache, to continue as it would have.

    Attributes:
        drugs: a copy of the doses.
        seed: the seed of the last run, or None before the first.
        dirty: bool (n_tokens,), which positions were computed under a dose.
        computed_alone: bool (n_tokens,), which positions were computed in a batch of their own.
        pending: the token that ``Dgenerate`` chose last and has not fed back yet.
        dose_inputs: whether prompts are dosed.
        sink: number of first positions that are never dosed.
        sober_interval: dirty tokens between two cold showers.
        sober_twin: whether the cache holds a sober copy, too.
    """

    drugs: DRUGS
    seed: int | None
    dirty: npt.NDArray[np.bool_]
    computed_alone: npt.NDArray[np.bool_]
    pending: int | None
    dose_inputs: bool
    sink: int
    sober_interval: int
    sober_twin: bool


class DrugsState(LlamaState):
    """A ``llama_cpp.LlamaState`` with doses, seed and dirty positions. A plain ``llama_cpp.Llama`` can load it too."""

    def __init__(self, state: LlamaState, dosed: DosedPart) -> None:
        self.__dict__.update(state.__dict__)
        self.dosed = dosed

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def dosed_part(engine: Engine) -> DosedPart:
    """What a state is to hold of doses."""
    session, dosing = engine.session, engine.dosing
    dirty = np.zeros(session.n_tokens, dtype=np.bool_)
    flags = session.ledger.flags()
    dirty[: len(flags)] = flags
    return DosedPart(
        drugs=dosing.drugs.copy(),
        seed=engine.seed if engine.last_seed is not None else None,
        dirty=dirty,
        computed_alone=session.computed_alone.save(session.n_tokens),
        pending=session.pending,
        dose_inputs=dosing.dose_inputs,
        sink=dosing.sink,
        sober_interval=dosing.sober_interval,
        sober_twin=session.twin is not None,
    )


def check_state(engine: Engine, state: LlamaState) -> None:
    """Refuse a state that the model cannot take.

    Raises:
        StateError: it comes from another model or a larger context, or has a twin that the model lacks.
    """
    settings = engine.settings
    if state.scores.shape[1] != settings.n_vocab:
        raise StateError(
            f"the saved state has {state.scores.shape[1]} tokens in its vocabulary, this model {settings.n_vocab}: "
            "load it into the model it was saved from"
        )
    n_ctx = len(engine.session.tokens)
    if len(state.input_ids) != n_ctx:
        raise StateError(
            f"the saved state has a context of {len(state.input_ids)} tokens, this model {n_ctx}: "
            f"load the model with n_ctx={len(state.input_ids)}"
        )
    if isinstance(state, DrugsState) and state.dosed.sober_twin and engine.session.twin is None:
        raise StateError("the saved state has a sober twin: load the model with sober_twin=True")


def take_positions(engine: Engine, state: LlamaState) -> None:
    """Note what is known of the positions that a state has brought into the cache; a plain state is clean."""
    session = engine.session
    session.ledger.clear()
    session.computed_alone.clear()
    session.pending = None
    session.is_stale = False
    if isinstance(state, DrugsState):
        session.ledger.load(state.dosed.dirty)
        session.computed_alone.load(state.dosed.computed_alone)
    else:
        session.computed_alone.mark(0, session.n_tokens, True)  # nobody knows
    session.catch_up_twin()


def take_doses(engine: Engine, dosed: DosedPart) -> None:
    """Take over a state's doses, seed and rules; whoever shares the doses gets them, too."""
    dosing = engine.dosing
    dosing.drugs.assign(dosed.drugs)
    dosing.dose_inputs = dosed.dose_inputs
    dosing.sink = dosed.sink
    dosing.sober_interval = dosed.sober_interval
    engine.last_seed = None if dosed.seed is None else RunSeed(dosed.seed, dosed.drugs.seed)
    engine.session.pending = dosed.pending
