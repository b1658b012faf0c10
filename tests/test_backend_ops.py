"""Upstream's own test harness for ops, on the cases that the patches add to it."""

from __future__ import annotations

import re
import subprocess

import pytest

from conftest import built_by_make

#: the names of the cases that the patches add
OPS = "RANDOM_ROTATE,RANDOM_ROTATE_SCORES_VALUES"


@pytest.fixture(scope="module")
def harness() -> str:
    return built_by_make("DRUGS_TEST_BACKEND_OPS")


def output_of(harness: str, mode: str) -> str:
    command = [harness, mode, "-o", OPS, "-b", "CPU"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_op_passes(harness: str) -> None:
    passed = re.search(r"(\d+)/(\d+) tests passed", output_of(harness, "test"))
    assert passed is not None
    assert passed[1] == passed[2]
    assert int(passed[1]) >= 30


def test_the_op_is_supported_where_it_is_listed(harness: str) -> None:
    output = output_of(harness, "support")
    assert "RANDOM_ROTATE" in output
    assert "not supported" not in output
