"""What `_core` raises: the classes of drugs_cpp.errors, from one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conftest import MakeLlama
from drugs_cpp import (
    SITES,
    ContextOverflowError,
    CountError,
    DoseError,
    Llama,
    NoLogitsError,
    StateError,
    _core,
)


@pytest.fixture
def llm(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    return make_llama(tiny_model_path)


def table(llm: Llama, angle: float = 0.1) -> Any:
    return np.full((_core.n_layer(int(llm._ctx.ctx)), len(SITES)), angle, dtype=np.float32)


def test_doses_that_cannot_be(llm: Llama) -> None:
    ctx = int(llm._ctx.ctx)
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("does not fit", lambda: _core.set_dose(ctx, 0, table(llm)[1:], 1, 0)),
        ("angle -1", lambda: _core.set_dose(ctx, 0, table(llm, -1), 1, 0)),
        ("unknown noise 'loud'", lambda: _core.set_dose(ctx, 0, table(llm), 1, 0, "loud")),
        ("unknown noise 'loud'", lambda: _core.has_sites(ctx, "loud")),
        ("sequence 7: ", lambda: _core.set_dose(ctx, 7, table(llm), 1, 0)),
        ("sequence 0: .*sink", lambda: _core.set_dose(ctx, 0, table(llm), 1, -1)),
        ("sequence 7: ", lambda: _core.get_dose(ctx, 7)),
        ("sequence 7: ", lambda: _core.clear_dose(ctx, 7)),
        ("no points", lambda: _core.profile_ratio([], "floor", 0.5)),
        ("the modes are", lambda: _core.profile_ratio([(0, 1)], "linear", 0.5)),
        ("dose at H .* -1", lambda: _core.dose_table([-1.0] * len(SITES), {}, 1.0, 3)),
        ("6 angles", lambda: _core.dose_table([0.1] * 6, {}, 1.0, 3)),
    ]
    for message, call in wrong:
        with pytest.raises(DoseError, match=message):
            call()
    assert _core.get_dose(ctx, 0) is None


def test_a_context_that_was_closed() -> None:
    for call in (_core.n_layer, _core.has_sites, _core.Decoder, _core.cache_memory):
        with pytest.raises(StateError, match="the context was closed"):
            call(0)


def test_logits_and_rooms_that_are_not_there(llm: Llama) -> None:
    with pytest.raises(NoLogitsError, match="no logits yet"):
        llm.engine.session.decoder.logits()
    with pytest.raises(ContextOverflowError, match="no room"):
        llm.engine.session.decoder.evaluate([1] * (llm.n_ctx() + 300), 0, [0])


def test_positions_that_cannot_be() -> None:
    with pytest.raises(CountError, match="positions 3 to 2"):
        _core.ShowerLedger().computed(3, 2, False, 0)
