"""Runs the state machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis.stateful import run_state_machine_as_test

from random_calls.machine import RandomCalls
from random_calls.oracle import N_CTX, Oracle
from support.tiny_model import write_tiny_model

#: calls for one model and the models that are opened after it
N_CALLS_OF_EXAMPLE = 50


def make_calls(seed: int, n_examples: int) -> int:
    """Make random calls, always the same ones for the same seed; returns their number.

    Raises:
        AssertionError: something was wrong. Hypothesis prints the calls that led to it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        write_tiny_model(path, n_ctx=N_CTX)

        class Machine(RandomCalls):
            oracle = Oracle(str(path))
            n_calls = 0

        Machine.path = str(path)
        run_state_machine_as_test(
            with_seed(seed)(Machine),
            settings=settings(
                max_examples=n_examples,
                stateful_step_count=N_CALLS_OF_EXAMPLE,
                phases=[Phase.generate],  # no search for shorter sequences: threads do not do the same thing twice
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        return Machine.n_calls
