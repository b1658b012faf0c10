"""The GPU kernels, as far as a computer without a GPU can test them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import built_by_make

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "csrc" / "kernel" / "gpu"
SHIMS = ROOT / "tests" / "kernels"


@pytest.fixture(scope="module")
def program() -> Path:
    """The program that runs the kernels on the CPU."""
    return Path(built_by_make("DRUGS_CHECK_KERNELS"))


@pytest.fixture(scope="module")
def metal(program: Path) -> str:
    """The source that Metal compiles."""
    return (program.parent.parent / "tests" / "kernels" / "random-rotate-metal-source.h.metal").read_text("utf-8")


def test_all_kernels_agree(program: Path) -> None:
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    print("\n" + run.stdout)  # `make check-kernels` shows it
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.findall(r"^(\w+) +(\w+) +(\d+) cases, largest difference (\S+)$", run.stdout, re.M)
    assert {(who, what) for who, what, _, _ in found} == {
        ("CPU", "lanes"),
        *(
            (who, what)
            for who in ("CUDA", "Metal", "Vulkan")
            for what in ("integers", "floats", "rows", "scores", "values")
        ),
    }
    for _, what, cases, difference in found:
        assert int(cases) > 10
        assert float(difference) <= (0 if what in ("integers", "lanes") else 1e-5)


@pytest.mark.parametrize("architecture", [80, 90])
def test_cuda_files_compile(program: Path, architecture: int) -> None:
    """`make check-kernels` compiles them with warnings as errors, and fails if that fails."""
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed: install CUDA (apt install nvidia-cuda-toolkit), then `make check-kernels`")
    for file in ("random-rotate-cuda", "ggml-cuda"):
        compiled = program.parent.parent / "tests" / "kernels" / f"{file}.sm_{architecture}.o"
        assert compiled.stat().st_size > 0


@pytest.mark.parametrize("shader", ["rows", "scores", "values", "finish"])
def test_shaders_compile(program: Path, shader: str) -> None:
    """`make check-kernels` compiles them with warnings as errors, and fails if that fails."""
    if shutil.which("glslc") is None:
        pytest.skip("glslc is not installed: install it (apt install glslc), then `make check-kernels`")
    folder = program.parent.parent / "tests" / "kernels" / "vulkan"
    assert (folder / f"random-rotate-{shader}.spv").read_bytes()[:4] == b"\x03\x02\x23\x07"
    assert '#include "' not in (folder / f"random-rotate-{shader}.comp").read_text("utf-8")


def test_metal_text_is_whole(metal: str) -> None:
    assert '#include "' not in metal
    for header in KERNELS.glob("random-rotate-gpu*.h"):
        if header.name != "random-rotate-gpu-host.h":
            assert metal.count(header.read_text("utf-8").splitlines()[0]) == 1, header


def test_metal_names_the_memory_of_every_pointer(metal: str) -> None:
    """Metal refuses a pointer without an address space; C++ accepts it."""
    code = re.sub(r"//.*", "", metal)
    types = r"(?:float|char|half|bool|int|uint|int8_t|uint8_t|uint16_t|int32_t|uint32_t|random_rotate_\w+)"
    memories = [found[1] for found in re.finditer(rf"(?:(\w+)\s+)?(?:const\s+)?\b{types}\s*[*&](?!=)", code)]
    assert len(memories) > 50  # None: no address space is named
    named = {"device", "thread", "threadgroup", "constant"}
    assert set(memories) <= named | {f"RANDOM_ROTATE_{of}" for of in ("LOCAL", "SHARED", "DEVICE")}


def test_metal_parameters_stand_in_the_order_of_their_buffers(metal: str) -> None:
    kernels = re.findall(r"kernel void (\w+)\((.*?)\) \{", metal, re.S)
    assert len(kernels) == 4
    for name, parameters in kernels:
        numbers = [int(number) for number in re.findall(r"\[\[buffer\((\d+)\)\]\]", parameters)]
        assert numbers == list(range(len(numbers))), name
        assert parameters.count("[[threadgroup(0)]]") == 1, name


def test_metal_pointers_stay_in_their_memory(metal: str, tmp_path: Path) -> None:
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("clang is not installed, whose OpenCL is like Metal: apt install clang, then `make check-kernels`")
    file = tmp_path / "kernels.clcpp"
    file.write_text(re.sub(r"\[\[[^]]*\]\]", "", metal).replace("device const half *", "device const short *"))
    command = [clang, "-x", "cl", "-cl-std=clc++2021", "-fsyntax-only", "-Wall", "-Wno-unused", "-Werror"]
    run = subprocess.run([*command, "-I", SHIMS / "opencl_shim", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
