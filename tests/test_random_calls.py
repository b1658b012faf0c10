"""Random sequences of public calls, each with the result of an independent model (``random_calls/machine.py``)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from random_calls import __main__ as slices
from random_calls.running import N_CALLS_OF_EXAMPLE, make_calls


def test_a_thousand_calls() -> None:
    """`make random-calls` runs more."""
    n_examples = 20
    assert make_calls(0, n_examples) > n_examples * N_CALLS_OF_EXAMPLE // 2


def test_slices_go_on_where_the_last_run_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def make_calls(seed: int, n_examples: int) -> int:
        seeds.append(seed)
        return 10 * n_examples

    monkeypatch.setattr(slices, "make_calls", make_calls)
    store = tmp_path / "build" / "calls.json"

    def run(*options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["random_calls", "--store", str(store), *options])
        return slices.main()

    assert run("--calls", "300") == 0
    assert run("--calls", "1000", "--minutes", "0") == 3
    assert run("--calls", "700") == 0
    assert json.loads(store.read_text(encoding="utf-8")) == {"slices": 4, "calls": 800}
    assert seeds == [0, 1, 2, 3]
