"""The same random numbers on processors with other instructions than those this build is for."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from support.kernel_compiler import AVX2, ROOT, compile_kernel

AVX512 = (*AVX2, "-mavx512f")

#: options, and what /proc/cpuinfo must report if the processor can run the result
KINDS = {"sse": (("-msse4.2",), "sse4_2"), "avx2": (AVX2, "avx2"), "avx512": (AVX512, "avx512f")}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks at x86's instructions")
@pytest.mark.parametrize("kind", KINDS)
def test_words_of_many_counters_are_those_of_each(kind: str, tmp_path: Path) -> None:
    options, flag = KINDS[kind]
    flags = Path("/proc/cpuinfo")
    if flags.exists() and flag not in flags.read_text(encoding="utf-8").split():
        pytest.skip(f"this processor lacks {flag}")
    program = compile_kernel(ROOT / "tests" / "kernels" / "check_lanes.cpp", tmp_path / "check-lanes", options)
    checked = subprocess.run([program], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
