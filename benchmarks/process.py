"""A Python process that answers requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

Process = TypeVar("Process", bound="AnsweringProcess")

ROOT = Path(__file__).parents[1]


class AnsweringProcess:
    """A module of this package in a separate process, which answers every line of JSON with one. For ``with``.

    Args:
        module: its name; it prints something once it is ready.
        arguments: its arguments.
        environment: variables to set.
        wrapper: a program that runs it, with arguments.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        wrapper: Sequence[str] = (),
    ) -> None:
        self._process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def ask(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Give it a task, and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"benchmarks: a worker ended with status {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self: Process) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
