"""A worker process, as seen by the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.process import AnsweringProcess

N_PAST = 32  # tokens in the cache

ANGLE = 0.1  # radians; the cost does not depend on it


class Side(AnsweringProcess):
    """A model in a separate process, with the libraries of one folder. For ``with``."""

    def __init__(
        self,
        libraries: Path,
        model: str,
        n_threads: int,
        n_past: int = N_PAST,
        flash_attn: bool = False,
        n_gpu_layers: int = 0,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        arguments = [model, str(n_threads), str(n_past), str(int(flash_attn)), str(n_gpu_layers)]
        environment = {"LLAMA_CPP_LIB_PATH": str(libraries), **(environment or {})}
        super().__init__("benchmarks.worker", arguments, environment, wrapper)

    def decode(self, sites: Sequence[str], n_tokens: int, hold: int = 1) -> dict[str, Any]:
        """Decode ``n_tokens`` tokens, with noise held for ``hold`` tokens (0: all); returns the worker's answer."""
        return self.ask({"sites": list(sites), "angle": ANGLE, "hold": hold, "tokens": n_tokens})

    def speed(self, sites: Sequence[str], n_tokens: int, hold: int = 1) -> float:
        """Decode ``n_tokens`` tokens; returns tokens per second."""
        return n_tokens / float(self.decode(sites, n_tokens, hold)["seconds"])
