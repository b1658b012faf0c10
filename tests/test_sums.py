"""Sums in the CPU's kernels stay in registers, even if these hold fewer than 16 numbers, as on most laptops."""

from __future__ import annotations

import platform
import re

import pytest

from support.kernel_compiler import AVX2, CSRC, compile_kernel

FILES = (
    "kernel/cpu/random-rotate-scores-cpu.cpp",
    "kernel/cpu/random-rotate-values-cpu.cpp",
    "matmul/repeatable-attend.cpp",
)

JUMP = re.compile(r"\tj\w+\t(\.L\w+)")
ARITHMETIC = re.compile(r"\tv(mul|sub|min|max|and|or|xor|psl|psr|cmp|sqrt|div|blend)")
ON_STACK = re.compile(r"\tv\w+\t.*\(%r[sb]p\).*%[xy]mm|\tv\w+\t.*%[xy]mm.*\(%r[sb]p\)")


SCALAR = re.compile(r"\tvf\w+ss\t")
EXTREME = re.compile(r"\tv(min|max)ss\t")

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="looks at x86's instructions")


@pytest.fixture(scope="module", params=FILES)
def assembly(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    output = tmp_path_factory.mktemp("assembly") / "assembly.s"
    return compile_kernel(CSRC / request.param, output, [*AVX2, "-S"]).read_text().splitlines()


def test_no_cell_is_computed_alone(assembly: list[str]) -> None:
    """The noise of scores and weights is computed for eight cells at once."""
    for loop in innermost_loops(assembly):
        assert sum(bool(SCALAR.match(line)) for line in loop) < 8, "\n".join(loop)


def test_no_largest_number_is_looked_for_one_by_one(assembly: list[str]) -> None:
    """Each comparison would wait for the one before."""
    for loop in innermost_loops(assembly):
        assert not [line for line in loop if EXTREME.match(line)], "\n".join(loop)


def test_sums_stay_in_registers(assembly: list[str]) -> None:
    loops = [loop for loop in innermost_loops(assembly) if is_sum(loop)]
    assert len(loops) >= 2
    for loop in loops:
        assert not [line for line in loop if ON_STACK.match(line)], "\n".join(loop)


def innermost_loops(lines: list[str]) -> list[list[str]]:
    """From a label to a jump back to it, without another such jump in between."""
    at = {line.rstrip(":"): number for number, line in enumerate(lines) if line.startswith(".L")}
    jumps = [(at[found[1]], end) for end, line in enumerate(lines) if (found := JUMP.match(line)) and found[1] in at]
    back = [(start, end) for start, end in jumps if start < end]
    inner = [(start, end) for start, end in back if not any(start <= s and e < end for s, e in back)]
    return [lines[start : end + 1] for start, end in inner]


def is_sum(loop: list[str]) -> bool:
    """Whether a loop multiplies and adds, and does nothing else."""
    n_products = sum("\tvfmadd" in line for line in loop)
    return n_products >= 2 and not any(ARITHMETIC.match(line) or line.startswith("\tcall") for line in loop)
