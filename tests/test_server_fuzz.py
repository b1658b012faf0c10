"""Thousands of odd values in the field "drugs": each gives a clear 400 or an answer, and the server keeps running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.program import Server

SITES = ("H", "Q", "K", "V", "A", "pK", "pV")
NAMES = (*SITES, "shape", "multiplier", "seed", "noise", "sink", "dose_inputs", "sober_interval", "repeatable")
OTHER_NAMES = ("dose_theta", "dose_shape", "dose_multiplier", "inputs", "a", "B", "")

numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(),
    st.sampled_from([0, -0.0, 0.1, 1e-45, 1e-308, 3.4e38, 1e39, 1e308, 2**32 - 1, 2**32, -1, 2**53 + 1, 10**30]),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=12,
)
points = st.lists(
    st.one_of(
        st.fixed_dictionaries({"depth": numbers, "peakratio": numbers}),
        st.fixed_dictionaries({"depth": st.floats(0, 1), "peakratio": st.floats(0, 2)}),
        anything,
    ),
    max_size=6,
)
profile = st.one_of(
    points,
    st.fixed_dictionaries(
        {"points": points}, optional={"mode": st.one_of(st.sampled_from(["interpolate", "ceil", "floor"]), anything)}
    ),
    anything,
)
shapes = st.one_of(
    st.dictionaries(st.one_of(st.sampled_from(SITES), st.text(max_size=3)), profile, max_size=3), anything
)
angles = st.one_of(st.floats(0, 4), st.floats(0, 0.5), numbers, anything)
valid = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SITES, st.floats(0, 0.5)),
        "seed": st.integers(0, 2**32 - 2),
        "noise": st.sampled_from(["isotropic", "reference"]),
        "sink": st.integers(0, 12),
        "dose_inputs": st.booleans(),
        "sober_interval": st.integers(1, 12),
        "repeatable": st.booleans(),
        "multiplier": st.floats(0, 2),
        "shape": st.dictionaries(
            st.sampled_from(SITES),
            st.lists(
                st.fixed_dictionaries({"depth": st.floats(-1, 2), "peakratio": st.floats(0, 2)}), min_size=1, max_size=4
            ),
        ),
    },
)
odd = st.one_of(
    anything,
    st.dictionaries(st.sampled_from((*NAMES, *OTHER_NAMES)), st.one_of(angles, shapes), max_size=5),
    st.builds(
        lambda good, more: {**good, **more}, valid, st.dictionaries(st.sampled_from(NAMES), anything, max_size=1)
    ),
)


@pytest.fixture(scope="module")
def server(tiny_model_path: str) -> Iterator[Server]:
    with Server("-m", tiny_model_path, "-c", "512", "-np", "2", "--log-verbosity", "1") as started:
        yield started


def ask(server: Server, body: str) -> tuple[int, Any]:
    answer = server.post("/completion", body.encode("utf-8", "replace"))
    return answer.status, answer.json


def body_with(drugs: object, n_predict: int) -> str:
    # NaN and Infinity are written as in Python: they are not JSON, and the server says so
    return json.dumps({"prompt": "Once upon a time", "n_predict": n_predict, "drugs": drugs})


slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=2500, deadline=None, derandomize=True, suppress_health_check=slow)
@given(drugs=odd)
def test_odd_values_are_answered_or_refused(server: Server, drugs: object) -> None:
    status, answer = ask(server, body_with(drugs, 2))
    assert status in (200, 400), (drugs, answer)
    if status == 400:
        assert answer["error"]["message"]
    elif drugs is not None:
        assert isinstance(drugs, dict)
    assert server.is_alive


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=slow)
@given(drugs=valid)
def test_good_values_are_answered(server: Server, drugs: dict[str, Any]) -> None:
    status, answer = ask(server, body_with(drugs, 6))
    assert status == 200, (drugs, answer)
    reported = answer.get("drugs", {})
    multiplier = drugs.get("multiplier", 1)
    for site in SITES:
        peak = max(point["peakratio"] for point in drugs.get("shape", {}).get(site, [{"peakratio": 1}]))
        if multiplier * drugs.get(site, 0) * peak > 0:
            assert reported[site] == drugs[site]
            assert reported["seed"] == drugs.get("seed", reported["seed"])
    assert server.is_alive


def test_huge_bodies_are_answered_or_refused(server: Server) -> None:
    point = {"depth": 0.5, "peakratio": 1}
    for drugs in (
        {"A": 0.1, "shape": {"A": [point] * 200_000}},
        {"A": [0] * 500_000},
        {"A" * 1_000_000: 1},
        {"noise": "x" * 1_000_000},
        json.loads("[" * 400 + "]" * 400),
    ):
        status, answer = ask(server, body_with(drugs, 1))
        assert status == 400
        assert len(answer["error"]["message"]) < 2000
    assert ask(server, body_with({"A": 0.1}, 1))[0] == 200


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_deep_nesting_does_not_end_the_server(server: Server, depth: int) -> None:
    body = b'{"prompt": "x", "drugs": ' + b"[" * depth + b"]" * depth + b"}"
    assert server.post("/completion", body).status == 400
    assert server.get("/health").status == 200
