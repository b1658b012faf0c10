"""The compiler that built the CPU's kernels, for tests that look at its output."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"

INCLUDED = [CSRC / folder for folder in ("kernel/cpu", "kernel/op", "kernel/math", "matmul")]

#: as in cmake/
OPTIONS = ["-std=gnu++17", "-O3", "-DNDEBUG", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-w"]

AVX2 = ("-mavx2", "-mfma", "-mf16c")


def compile_kernel(source: Path, output: Path, options: Sequence[str]) -> Path:
    """Compile a file for a kind of processor; returns ``output``.

    Skips the test if there is no compiler or no llama.cpp.
    """
    upstream = os.environ.get("DRUGS_UPSTREAM_SERVER_TESTS")
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if not upstream or not compiler:
        pytest.skip(
            "DRUGS_UPSTREAM_SERVER_TESTS is not set, or there is no g++: `make test` builds what it names and sets it"
        )
    ggml = Path(upstream).parents[2] / "ggml"
    included = [*INCLUDED, ggml / "include", ggml / "src", ggml / "src" / "ggml-cpu"]
    command = [compiler, *OPTIONS, *options, *(f"-I{folder}" for folder in included), str(source), "-o", str(output)]
    subprocess.run(command, check=True)
    return output
