"""A worker process, seen from the side that compares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

WORKER = Path(__file__).with_name("worker.py")

N_PAST = 32  # tokens in the cache

ANGLE = 0.1  # radians; the cost does not depend on it


class Side:
    """A model in a process of its own, on the libraries of one folder. For ``with``."""

    def __init__(
        self,
        libraries: Path,
        model: str,
        n_threads: int,
        n_past: int = N_PAST,
        flash_attn: bool = False,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        arguments = [model, str(n_threads), str(n_past), str(int(flash_attn))]
        self._process = subprocess.Popen(
            [*wrapper, sys.executable, str(WORKER), *arguments],
            env={**os.environ, "LLAMA_CPP_LIB_PATH": str(libraries), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def decode(self, sites: Sequence[str], n_tokens: int) -> dict[str, Any]:
        """Decode ``n_tokens`` tokens; the worker's answer."""
        assert self._process.stdin is not None
        task = {"sites": list(sites), "angle": ANGLE, "tokens": n_tokens}
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

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
