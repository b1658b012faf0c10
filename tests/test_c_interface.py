"""llama-drugs.h as seen by a C program: every mistake returns a code, and nothing aborts."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from drugs_cpp import SITES
from support.low_level import Context
from support.tiny_model import N_LAYER

HEADER = (Path(__file__).parents[1] / "csrc/include/llama-drugs.h").read_text(encoding="utf-8")

CODES = {name: int(value) for name, value in re.findall(r"LLAMA_DRUGS_(OK|SOBER|ERR_\w+)\s*=\s*(-?\d+)", HEADER)}

Table = ctypes.c_float * (N_LAYER * len(SITES))


class CoursePoint(ctypes.Structure):
    _fields_ = [("token", ctypes.c_int32), ("ratio", ctypes.c_float)]


def course(*points: tuple[int, float]) -> dict[str, Any]:
    return {"course": (CoursePoint * len(points))(*(CoursePoint(*point) for point in points)), "n_course": len(points)}


class Params(ctypes.Structure):
    _fields_ = [
        ("doses", ctypes.POINTER(ctypes.c_float)),
        ("n_layer", ctypes.c_int32),
        ("seed", ctypes.c_uint32),
        ("n_sink", ctypes.c_int32),
        ("noise", ctypes.c_int),
        ("start", ctypes.c_int32),
        ("hold", ctypes.POINTER(ctypes.c_int32)),
        ("shared_layers", ctypes.c_bool),
        ("angle", ctypes.c_int),
        ("turn", ctypes.c_int),
        ("apart", ctypes.c_int32),
        ("course", ctypes.POINTER(CoursePoint)),
        ("n_course", ctypes.c_int32),
        ("course_start", ctypes.c_int32),
    ]


@pytest.fixture
def lib() -> Any:
    lib = llama_cpp.llama_cpp._lib
    lib.llama_drugs_site_name.restype = ctypes.c_char_p
    lib.llama_drugs_status_text.restype = ctypes.c_char_p
    return lib


@pytest.fixture
def ctx(tiny_model_path: str) -> Iterator[ctypes.c_void_p]:
    with Context(tiny_model_path) as context:
        yield ctypes.c_void_p(context.address)


def params(**changes: Any) -> Params:
    doses = Table(*[0.1] * (N_LAYER * len(SITES)))
    return Params(**{"doses": doses, "n_layer": N_LAYER, "seed": 7, "n_sink": 6, "noise": 0, **changes})


def test_set_get_clear(lib: Any, ctx: ctypes.c_void_p) -> None:
    out = Params()
    assert lib.llama_drugs_n_layer(ctx) == N_LAYER
    assert lib.llama_drugs_get(ctx, 1, ctypes.byref(out)) == CODES["SOBER"]
    assert lib.llama_drugs_set(ctx, 1, ctypes.byref(params())) == CODES["OK"]
    assert lib.llama_drugs_get(ctx, 1, ctypes.byref(out)) == CODES["OK"]
    assert (out.n_layer, out.seed, out.n_sink, out.noise) == (N_LAYER, 7, 6, 0)
    assert out.doses[: N_LAYER * len(SITES)] == pytest.approx([0.1] * (N_LAYER * len(SITES)))
    assert lib.llama_drugs_clear(ctx, 1) == CODES["OK"]
    assert lib.llama_drugs_clear(ctx, 1) == CODES["OK"]
    assert lib.llama_drugs_get(ctx, 1, ctypes.byref(out)) == CODES["SOBER"]


def test_the_table_is_copied(lib: Any, ctx: ctypes.c_void_p) -> None:
    doses = Table(*[0.1] * (N_LAYER * len(SITES)))
    assert lib.llama_drugs_set(ctx, 0, ctypes.byref(params(doses=doses))) == CODES["OK"]
    doses[0] = 2.0
    out = Params()
    lib.llama_drugs_get(ctx, 0, ctypes.byref(out))
    assert out.doses[0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("sequence", "changes", "code"),
    [
        (0, {"doses": None}, "ERR_POINTER"),
        (4, {}, "ERR_SEQ"),
        (-1, {}, "ERR_SEQ"),
        (0, {"n_layer": N_LAYER + 1}, "ERR_LAYERS"),
        (0, {"n_layer": -1}, "ERR_LAYERS"),
        (0, {"doses": Table(math.nan)}, "ERR_ANGLE"),
        (0, {"doses": Table(math.inf)}, "ERR_ANGLE"),
        (0, {"doses": Table(0.1, -0.1)}, "ERR_ANGLE"),
        (0, {"doses": Table(0.1, 3.1416)}, "ERR_ANGLE"),
        (0, {"doses": Table(1e9)}, "ERR_ANGLE"),
        (0, {"n_sink": -1}, "ERR_SINK"),
        (0, {"start": -1}, "ERR_SINK"),
        (0, {"noise": 17}, "ERR_NOISE"),
        (0, {"hold": (ctypes.c_int32 * len(SITES))(1, -1)}, "ERR_HOLD"),
        (0, {"angle": 3}, "ERR_KIND"),
        (0, {"angle": -1}, "ERR_KIND"),
        (0, {"turn": 4}, "ERR_KIND"),
        (0, {"turn": 3}, "ERR_KIND"),
        (0, {"turn": 1, "noise": 1}, "ERR_KIND"),
        (0, {"doses": Table(0.1), "turn": 3, "noise": 1}, "ERR_KIND"),
        (0, {"doses": Table(0.1), "turn": 3, "angle": 1}, "ERR_KIND"),
        (0, {"doses": Table(0.1), "apart": -1}, "ERR_APART"),
        (0, {"apart": 1}, "ERR_APART"),
        (0, {"doses": Table(0.1), "apart": 1, "noise": 1}, "ERR_APART"),
        (0, {"doses": Table(0.1), "apart": 1, "turn": 3}, "ERR_APART"),
        (0, course((-1, 1)), "ERR_COURSE"),
        (0, course((0, 1), (0, 2)), "ERR_COURSE"),
        (0, course((1, 1), (0, 2)), "ERR_COURSE"),
        (0, course((0, -1)), "ERR_COURSE"),
        (0, course((0, math.nan)), "ERR_COURSE"),
        (0, course((0, 1), (5, math.inf)), "ERR_COURSE"),
        (0, {**course((0, 1)), "n_course": 0}, "ERR_COURSE"),
        (0, course((0, 1), (5, 32)), "ERR_ANGLE"),
    ],
)
def test_mistakes_are_codes_and_change_nothing(
    lib: Any, ctx: ctypes.c_void_p, sequence: int, changes: dict[str, Any], code: str
) -> None:
    assert lib.llama_drugs_set(ctx, 0, ctypes.byref(params(seed=3))) == CODES["OK"]
    assert lib.llama_drugs_set(ctx, sequence, ctypes.byref(params(**changes))) == CODES[code]
    out = Params()
    assert lib.llama_drugs_get(ctx, 0, ctypes.byref(out)) == CODES["OK"]
    assert out.seed == 3


def test_null_pointers(lib: Any, ctx: ctypes.c_void_p) -> None:
    good = params()
    for status in (
        lib.llama_drugs_set(None, 0, ctypes.byref(good)),
        lib.llama_drugs_set(ctx, 0, None),
        lib.llama_drugs_get(None, 0, ctypes.byref(good)),
        lib.llama_drugs_get(ctx, 0, None),
        lib.llama_drugs_clear(None, 0),
        lib.llama_drugs_n_layer(None),
    ):
        assert status == CODES["ERR_POINTER"]


def test_other_calls_know_their_sequences(lib: Any, ctx: ctypes.c_void_p) -> None:
    out = Params()
    assert lib.llama_drugs_get(ctx, 4, ctypes.byref(out)) == CODES["ERR_SEQ"]
    assert lib.llama_drugs_clear(ctx, 4) == CODES["ERR_SEQ"]
    assert lib.llama_drugs_clear(ctx, -2) == CODES["ERR_SEQ"]
    assert lib.llama_drugs_clear(ctx, -1) == CODES["OK"]


def test_names_and_texts(lib: Any) -> None:
    assert [lib.llama_drugs_site_name(i).decode() for i in range(len(SITES))] == list(SITES)
    assert lib.llama_drugs_site_name(len(SITES)) is lib.llama_drugs_site_name(-1) is None
    texts = {lib.llama_drugs_status_text(code) for code in CODES.values()}
    assert len(texts) == len(CODES) >= 10
    assert lib.llama_drugs_status_text(99) == b"unknown status"


def test_half_a_turn_is_the_largest_angle(lib: Any, ctx: ctypes.c_void_p) -> None:
    doses = Table(*[math.pi] * (N_LAYER * len(SITES)))
    assert lib.llama_drugs_set(ctx, 0, ctypes.byref(params(doses=doses))) == CODES["OK"]
