"""What the parts compare, and where `make bench` has built it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import drugs_cpp
from benchmarks.side import ANGLE
from benchmarks.worker import SIMPLE_SITES
from drugs_cpp import DRUGS

UNPATCHED_LIB = "DRUGS_UNPATCHED_LIB"
AVX2_LIB = "DRUGS_AVX2_LIB"
UPSTREAM_PROGRAMS = "DRUGS_UPSTREAM_PROGRAMS"


@dataclass(frozen=True)
class Setup:
    """What all parts have in common.

    Attributes:
        model: absolute path of a GGUF file.
        n_threads: of every side.
        n_tokens: decoded per measurement, if tokens are fed one by one.
        n_gpu_layers: layers on graphics cards; -1: all.
    """

    model: str
    n_threads: int
    n_tokens: int
    n_gpu_layers: int = 0

    @property
    def patched(self) -> Path:
        """This package's libraries."""
        return Path(drugs_cpp.__file__).parent / "lib"

    @property
    def unpatched(self) -> Path:
        """Upstream's unpatched libraries."""
        return folder(UNPATCHED_LIB)

    @property
    def avx2(self) -> Path:
        """This package's libraries without AVX-512, which valgrind does not support."""
        return folder(AVX2_LIB)

    def llama(self, n_ctx: int, **kwargs: Any) -> drugs_cpp.Llama:
        """Load the model in this process."""
        return drugs_cpp.Llama(
            self.model,
            n_ctx=n_ctx,
            n_threads=self.n_threads,
            n_threads_batch=self.n_threads,
            n_gpu_layers=self.n_gpu_layers,
            verbose=False,
            **kwargs,
        )


def dose(*sites: str, seed: int | None = None) -> DRUGS:
    """Return a dose in all layers, by default at the simple sites."""
    drugs = DRUGS(seed=seed)
    for site in sites or SIMPLE_SITES:
        drugs.set_dose_theta(ANGLE, site)
    return drugs


def folder(variable: str) -> Path:
    """Return the folder that an environment variable names."""
    path = os.environ.get(variable)
    if not path:
        raise SystemExit(f"benchmarks: {variable} is not set: `make bench` builds what it names and sets it")
    return Path(path).absolute()
