"""llama-trace.h as seen by a C program: every mistake returns a code, and nothing aborts."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import llama_cpp
import numpy as np
import pytest

from support.low_level import Context
from support.tiny_model import N_LAYER
from test_c_interface import CODES

HIDDEN, NORM, LOGITS, HEADS, ATTENTION = range(5)

TOKENS = list(range(5, 13))


class Params(ctypes.Structure):
    _fields_ = [
        ("hidden", ctypes.POINTER(ctypes.c_bool)),
        ("heads", ctypes.POINTER(ctypes.c_bool)),
        ("attention", ctypes.POINTER(ctypes.c_bool)),
        ("n_layer", ctypes.c_int32),
        ("norm", ctypes.c_bool),
        ("logits", ctypes.c_bool),
    ]


class Values(ctypes.Structure):
    _fields_ = [("data", ctypes.POINTER(ctypes.c_float)), ("n_column", ctypes.c_int64), ("n_row", ctypes.c_int64)]


@pytest.fixture
def lib() -> Any:
    return llama_cpp.llama_cpp._lib


@pytest.fixture
def context(tiny_model_path: str) -> Iterator[Context]:
    with Context(tiny_model_path, records=True) as context:
        yield context


def begin(lib: Any, context: Context, **changes: Any) -> int:
    all_layers = (ctypes.c_bool * (N_LAYER + 1))(*[True] * (N_LAYER + 1))
    params = Params(**{"hidden": all_layers, "n_layer": N_LAYER, "logits": True, **changes})
    return int(lib.llama_trace_begin(ctypes.c_void_p(context.address), ctypes.byref(params)))


def get(lib: Any, context: Context, row: int, part: int, layer: int) -> tuple[int, Values]:
    values = Values()
    return int(lib.llama_trace_get(ctypes.c_void_p(context.address), row, part, layer, ctypes.byref(values))), values


def test_rows(lib: Any, context: Context) -> None:
    ctx = ctypes.c_void_p(context.address)
    assert lib.llama_trace_n_rows(ctx) == 0
    assert begin(lib, context) == CODES["OK"]
    logits = context.feed(TOKENS[:5], sequence=2)
    assert lib.llama_trace_n_rows(ctx) == 5
    sequence, position = ctypes.c_int32(), ctypes.c_int32()
    assert lib.llama_trace_token(ctx, 4, ctypes.byref(sequence), ctypes.byref(position)) == CODES["OK"]
    assert (sequence.value, position.value) == (2, 4)
    status, values = get(lib, context, 3, LOGITS, 0)
    assert status == CODES["OK"]
    assert (values.n_column, values.n_row) == (logits.shape[1], 1)
    assert np.array_equal(np.ctypeslib.as_array(values.data, shape=(values.n_column,)), logits[3])
    assert lib.llama_trace_clear(ctx) == CODES["OK"]
    assert lib.llama_trace_n_rows(ctx) == 0
    context.feed(TOKENS[5:], 5, sequence=2)
    assert lib.llama_trace_n_rows(ctx) == 3
    for _ in range(2):
        assert lib.llama_trace_end(ctx) == CODES["OK"]
    context.feed([1], 8, sequence=2)
    assert lib.llama_trace_n_rows(ctx) == 0


def test_another_trace_ends_the_first(lib: Any, context: Context) -> None:
    assert begin(lib, context, logits=False) == CODES["OK"]
    context.feed(TOKENS)
    assert begin(lib, context, hidden=None, norm=True) == CODES["OK"]
    context.forget()
    context.feed(TOKENS)
    assert get(lib, context, 0, NORM, 0)[0] == CODES["OK"]
    assert get(lib, context, 0, HIDDEN, 0)[0] == CODES["ERR_TRACE"]


@pytest.mark.parametrize(
    ("row", "part", "layer"),
    [
        (-1, HIDDEN, 0),
        (8, HIDDEN, 0),
        (0, HIDDEN, -1),
        (0, HIDDEN, N_LAYER + 1),
        (0, NORM, 0),
        (0, LOGITS, 1),
        (0, HEADS, 0),
        (0, ATTENTION, 0),
        (0, 17, 0),
        (0, -1, 0),
    ],
)
def test_parts_that_are_not_there(lib: Any, context: Context, row: int, part: int, layer: int) -> None:
    assert begin(lib, context) == CODES["OK"]
    context.feed(TOKENS)
    assert get(lib, context, row, part, layer)[0] == CODES["ERR_TRACE"]


def test_mistakes(lib: Any, context: Context) -> None:
    ctx, null = ctypes.c_void_p(context.address), ctypes.c_void_p()
    params, values, number = Params(n_layer=N_LAYER), Values(), ctypes.c_int32()
    pointers = [ctypes.byref(number)] * 2
    calls: list[Callable[[], int]] = [
        lambda: lib.llama_trace_begin(null, ctypes.byref(params)),
        lambda: lib.llama_trace_begin(ctx, null),
        lambda: lib.llama_trace_end(null),
        lambda: lib.llama_trace_clear(null),
        lambda: lib.llama_trace_n_rows(null),
        lambda: lib.llama_trace_token(null, 0, *pointers),
        lambda: lib.llama_trace_token(ctx, 0, null, null),
        lambda: lib.llama_trace_get(null, 0, HIDDEN, 0, ctypes.byref(values)),
        lambda: lib.llama_trace_get(ctx, 0, HIDDEN, 0, null),
        lambda: lib.llama_trace_lens(ctx, null, 1, null),
    ]
    for call in calls:
        assert call() == CODES["ERR_POINTER"]
    for n_layer in (0, -1, N_LAYER + 1):
        assert begin(lib, context, n_layer=n_layer) == CODES["ERR_LAYERS"]
    vector = (ctypes.c_float * 4096)()
    for n_rows in (0, -1):
        assert lib.llama_trace_lens(ctx, vector, n_rows, vector) == CODES["ERR_TRACE"]
    assert lib.llama_trace_token(ctx, 0, *pointers) == CODES["ERR_TRACE"]


def test_only_tokens_that_are_output_are_read(lib: Any, context: Context) -> None:
    assert begin(lib, context) == CODES["OK"]
    one: Any = llama_cpp
    batch = one.llama_batch_get_one((ctypes.c_int32 * 4)(5, 6, 7, 8), 4)
    assert one.llama_decode(context.address, batch) == 0
    sequence, position = ctypes.c_int32(), ctypes.c_int32()
    ctx = ctypes.c_void_p(context.address)
    assert lib.llama_trace_n_rows(ctx) == 1
    assert lib.llama_trace_token(ctx, 0, ctypes.byref(sequence), ctypes.byref(position)) == CODES["OK"]
    assert position.value == 3
    assert get(lib, context, 0, HIDDEN, N_LAYER)[0] == CODES["OK"]


def test_a_trace_adds_nothing_to_the_graph(lib: Any, context: Context) -> None:
    """And leaves nothing behind: hidden states are read where they are computed anyway."""
    found: list[tuple[list[str], bytes]] = []
    for step in ("plain", "traced", "plain again"):
        if step == "traced":
            assert begin(lib, context) == CODES["OK"]
        context.forget()
        context.ops.clear()
        logits = context.feed(TOKENS)
        found.append((list(context.ops), logits.tobytes()))
        assert lib.llama_trace_end(ctypes.c_void_p(context.address)) == CODES["OK"]
    assert found[0] == found[1] == found[2]
