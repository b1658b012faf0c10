"""Sober means: bit for bit what unpatched llama.cpp computes, with the same graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from conftest import MakeLlama, built_by_make, last_logits
from drugs_cpp import DRUGS, SITES, _core
from support.low_level import Context
from support.process import run_python
from support.sober_logits import NEXT, PROMPT, of_class, sober

Found = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def unpatched(model_path: str, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What the same source computes without our patches."""
    folder = built_by_make("DRUGS_UNPATCHED_LIB")
    output = tmp_path_factory.mktemp("unpatched") / "logits.npz"
    ran = run_python("-m", "support.sober_logits", model_path, str(output), LLAMA_CPP_LIB_PATH=folder)
    assert ran.returncode == 0, ran.stderr
    return dict(np.load(output))


def test_logits_and_graphs_equal_upstreams(unpatched: Found, model_path: str) -> None:
    patched = sober(model_path)
    assert patched.keys() == unpatched.keys()
    for key, value in patched.items():
        assert value.tobytes() == unpatched[key].tobytes(), key


def table(n_layer: int, angle: float) -> npt.NDArray[np.float32]:
    return np.full((n_layer, len(SITES)), angle, np.float32)


def continuation(ctx: Context) -> npt.NDArray[np.float32]:
    return np.concatenate([ctx.feed(PROMPT), *(ctx.feed([t], 40 + i) for i, t in enumerate(NEXT))])


def test_a_context_that_was_dosed_can_be_sober_again(unpatched: Found, model_path: str) -> None:
    with Context(model_path, n_threads=2, records=True) as ctx:
        _core.set_dose(ctx.address, 0, table(_core.n_layer(ctx.address), 0.5), 7, 6)
        dosed = continuation(ctx)
        assert dosed.tobytes() != unpatched["2-False"].tobytes()
        ctx.forget()
        ctx.ops.clear()
        _core.clear_dose(ctx.address, 0)
        assert continuation(ctx).tobytes() == unpatched["2-False"].tobytes()
        assert ctx.ops == unpatched["ops-2-False"].tolist()


@pytest.mark.parametrize("flash_attn", [False, True])
def test_angles_of_zero_are_sober(unpatched: Found, model_path: str, flash_attn: bool) -> None:
    with Context(model_path, n_threads=2, flash_attn=flash_attn, records=True) as ctx:
        _core.set_dose(ctx.address, 0, table(_core.n_layer(ctx.address), 0.0), 7, 6)
        assert continuation(ctx).tobytes() == unpatched[f"2-{flash_attn}"].tobytes()
        assert ctx.ops == unpatched[f"ops-2-{flash_attn}"].tolist()


def test_a_dose_on_another_sequence_is_sober(unpatched: Found, model_path: str) -> None:
    with Context(model_path, n_threads=2, records=True) as ctx:
        _core.set_dose(ctx.address, 1, table(_core.n_layer(ctx.address), 0.5), 7, 6)
        assert continuation(ctx).tobytes() == unpatched["2-False"].tobytes()
        assert ctx.ops == unpatched["ops-2-False"].tolist()


def test_llama_without_doses_and_with_a_protected_prompt(
    unpatched: Found, make_llama: MakeLlama, model_path: str
) -> None:
    for drugs in (None, DRUGS(), DRUGS(dict.fromkeys(SITES, 0.5), seed=1)):
        llm = make_llama(model_path, drugs=drugs, n_ctx=512, n_threads=2, n_threads_batch=2)
        llm.eval(PROMPT)
        assert last_logits(llm).tobytes() == unpatched["class"].tobytes()
        assert llm.dirty_count == 0


def test_upstreams_class_on_our_libraries(unpatched: Found, model_path: str) -> None:
    assert of_class(model_path).tobytes() == unpatched["class"].tobytes()
