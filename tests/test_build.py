"""How the build adapts to a machine: its tools, its processor, and which code is compiled for which processor."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import drugs_cpp
from conftest import built_by_make
from drugs_cpp._processor import check_processor
from support.program import DRUGS

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = Path(drugs_cpp.__file__).parent / "lib"
SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"

#: where the build's own tools, cmake and ninja, are found before those of the system
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has these instructions")
with_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: apt install g++")


def run(*command: str | Path, **environment: str) -> str:
    known = {**os.environ, "PATH": TOOLS, **environment}
    result = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# --- tools


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build tree for Python only, with nvcc and without ccache; nothing in it is built."""
    tree = tmp_path_factory.mktemp("configured")
    without = tmp_path_factory.mktemp("path")
    for folder in map(Path, TOOLS.split(os.pathsep)):
        for program in folder.iterdir() if folder.is_dir() else []:
            if "ccache" not in program.name and not (without / program.name).is_symlink():
                (without / program.name).symlink_to(program)
    run(
        *("cmake", "-G", "Ninja", "-S", ROOT, "-B", tree, "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF"),
        *("-DDRUGS_PROGRAMS=OFF", "-DDRUGS_BUILD_TESTS=ON", "-DNVCC=nvcc", f"-DPython_EXECUTABLE={sys.executable}"),
        f"-Dpybind11_DIR={run(sys.executable, '-m', 'pybind11', '--cmakedir').strip()}",
        PATH=str(without),
    )
    return tree


def test_no_command_holds_what_was_not_found(configured: Path) -> None:
    trees = [configured, *(path.parent for path in ROOT.glob("build/*/build.ninja"))]
    for tree in trees:
        assert "-NOTFOUND" not in (tree / "build.ninja").read_text("utf-8"), tree
    assert "nvcc" in (configured / "build.ninja").read_text("utf-8")


def test_python_needs_no_program(configured: Path) -> None:
    commands = run("ninja", "-C", configured, "-t", "commands", "all")
    compiled = re.findall(r" -c (\S+)", commands)
    assert any(file.endswith("/csrc/decoding/decoder.cpp") for file in compiled)
    assert not [file for file in compiled if re.search(r"(llama\.cpp|upstream)/(app|common|tools|vendor)/", file)]


def test_make_demo_leaves_the_programs_out_and_keeps_those_that_are_there(tmp_path: Path) -> None:
    for entry in {*ROOT.iterdir()} - {ROOT / ".venv", ROOT / "build", ROOT / "dist"}:
        (tmp_path / entry.name).symlink_to(entry)

    def programs(target: str) -> list[str]:
        return re.findall(r"DRUGS_PROGRAMS=(\w+)", run("make", "-n", "-C", tmp_path, target))

    assert programs("demo") == ["OFF"]
    wheel = tmp_path / "dist" / "drugs_cpp-0.1.0-cp311-cp311-manylinux_2_35_x86_64.whl"
    wheel.parent.mkdir()
    wheel.touch()
    assert programs("demo") == []  # it is installed, and nothing is built
    assert programs("program") == programs("test") == ["ON"]
    done = tmp_path / ".venv" / "done"
    done.mkdir(parents=True)
    (done / "package").touch()
    assert programs("demo") == ["ON"]


# --- AMX


def compile_command(tree: Path, file: str) -> list[str]:
    commands = json.loads((tree / "compile_commands.json").read_text("utf-8"))
    return next(shlex.split(command["command"]) for command in commands if command["file"].endswith(file))


@pytest.fixture(params=["patched", "unpatched"])
def tree(request: pytest.FixtureRequest) -> Path:
    """Where ``make test`` has built each of the two."""
    built = {"patched": "DRUGS_TEST_BACKEND_OPS", "unpatched": "DRUGS_UNPATCHED_LIB"}[request.param]
    return next(folder for folder in Path(built_by_make(built)).parents if (folder / "compile_commands.json").exists())


def function_of(text: str, start: str) -> str:
    return text[text.index(start) :].partition("\n}")[0] + "\n};\n"


HARNESS = """
#include <stdio.h>
unsigned char loaded[64];
void configure(void);
int main(void) {
    configure();
    for (int i = 0; i < 64; i++) printf("%d ", loaded[i]);
}
"""


@on_x86
@with_gcc
def test_amx_loads_the_shapes_of_its_tiles(tree: Path, tmp_path: Path) -> None:
    """Compiled as in this build for a processor with AMX, and run on any: the configuration is copied, not loaded."""
    text = (tree / "llama.cpp" / "ggml" / "src" / "ggml-cpu" / "amx" / "mmq.cpp").read_text("utf-8")
    source, assembly, harness = tmp_path / "tiles.cpp", tmp_path / "tiles.s", tmp_path / "harness.c"
    source.write_text(
        "#include <immintrin.h>\n#include <cstdint>\n"
        + function_of(text, "struct tile_config_t")
        + function_of(text, "inline void ggml_tile_config_init")
        + 'extern "C" void configure() { ggml_tile_config_init(); }\n'
    )
    flags = [flag for flag in compile_command(tree, "amx/mmq.cpp") if re.match("-[Of]", flag) and flag != "-fopenmp"]
    assert "-O3" in flags
    run("g++", *flags, "-march=sapphirerapids", "-mno-avx", "-S", source, "-o", assembly)
    copied, n_loads = re.subn(
        r"ldtilecfg\s+(-?\d*)\((%\w+)\)",
        lambda at: "; ".join(
            f"movups {int(at[1] or 0) + i}({at[2]}), %xmm15; movups %xmm15, loaded+{i}(%rip)" for i in (0, 16, 32, 48)
        ),
        assembly.read_text(),
    )
    assert n_loads == 1
    assembly.write_text(copied)
    harness.write_text(HARNESS)
    run("gcc", harness, assembly, "-o", tmp_path / "tiles", "-lstdc++")
    loaded = [int(number) for number in run(tmp_path / "tiles").split()]
    assert loaded[0] == 1
    assert loaded[16:32:2] == [64, 64, 32, 32, 64, 64, 64, 64]
    assert loaded[48:56] == [8, 8, 16, 16, 16, 16, 16, 16]


AMX_PROJECT = """
cmake_minimum_required(VERSION 3.21)
project(amx C CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(GGML_NATIVE ON)
file(WRITE ${CMAKE_BINARY_DIR}/file.c "")
add_library(ggml-cpu STATIC ${CMAKE_BINARY_DIR}/file.c)
target_compile_options(ggml-cpu PRIVATE -march=sapphirerapids)
include(AmxTiles)
settle_amx()
"""


@on_x86
@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        (["-DDRUGS_AMX=OFF"], True),
        (["-DDRUGS_AMX_STATUS=FAILED_TO_RUN", "-Dcompiled=TRUE"], True),
        (["-DDRUGS_AMX_STATUS=1", "-Dcompiled=TRUE"], True),
        (["-DDRUGS_AMX_STATUS=0", "-Dcompiled=FALSE"], True),
        (["-DDRUGS_AMX_STATUS=0", "-Dcompiled=TRUE"], False),
    ],
)
def test_amx_is_left_out_unless_its_product_is_right(settings: list[str], left_out: bool, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(AMX_PROJECT)
    run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path, f"-DCMAKE_MODULE_PATH={ROOT / 'cmake'}", *settings)
    command = compile_command(tmp_path, "file.c")
    for flag in ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16"):
        assert (flag in command) == left_out


def test_both_builds_are_for_the_same_processor() -> None:
    patched = Path(built_by_make("DRUGS_TEST_BACKEND_OPS")).parents[1]
    unpatched = Path(built_by_make("DRUGS_UNPATCHED_LIB")).parent
    for file in ("ggml-cpu/ggml-cpu.c", "ggml-cpu/ops.cpp", "amx/mmq.cpp"):
        commands = [compile_command(tree, file) for tree in (patched, unpatched)]
        assert len({tuple(flag for flag in command if flag.startswith("-m")) for command in commands}) == 1


# --- another processor


class Processor(ctypes.Structure):
    """struct drugs_processor"""

    _fields_ = [
        (name, ctypes.c_uint32)
        for name in (
            *("leaf_1_ecx", "leaf_7_ebx", "leaf_7_ecx", "leaf_7_edx"),
            *("leaf_7_1_eax", "leaf_7_1_edx", "leaf_80000001_ecx", "xcr0"),
        )
    ]


AVX, AVX2, AVX512F, AVX_VNNI = 1 << 28, 1 << 5, 1 << 16, 1 << 4
KEEPS_AVX, KEEPS_AVX512 = 0x07, 0xE7


@pytest.mark.parametrize(
    ("needed", "has", "missing"),
    [
        ("AVX AVX2", {"leaf_1_ecx": AVX, "leaf_7_ebx": AVX2, "xcr0": KEEPS_AVX}, ""),
        ("AVX AVX2", {"leaf_1_ecx": AVX, "leaf_7_ebx": AVX512F, "xcr0": KEEPS_AVX}, "AVX2"),
        ("AVX AVX2", {"leaf_1_ecx": AVX, "leaf_7_ebx": AVX2, "xcr0": 0x03}, "AVX, AVX2"),  # registers are not saved
        ("AVX512F", {"leaf_7_ebx": AVX512F, "xcr0": KEEPS_AVX}, "AVX512F"),
        ("AVX512F", {"leaf_7_ebx": AVX512F, "xcr0": KEEPS_AVX512}, ""),
        ("AVX512FP16", {}, "AVX512FP16"),  # but not AVX512F, with which its name begins
        ("AVXVNNI", {"leaf_7_1_eax": AVX_VNNI, "xcr0": KEEPS_AVX}, ""),
        ("LP64 SSE2 AMX_TILE AN_UNKNOWN_ONE", {}, ""),
        ("", {}, ""),
    ],
)
def test_what_a_processor_lacks(needed: str, has: dict[str, int], missing: str) -> None:
    library = ctypes.CDLL(str(LIBRARIES / f"libdrugs-processor{SUFFIX}"))
    names = ctypes.create_string_buffer(100)
    processor = Processor(**has)
    count = library.drugs_processor_lacks(needed.encode(), ctypes.byref(processor), names, ctypes.c_size_t(100))
    assert names.value.decode() == missing
    assert count == len(missing.split(", ") if missing else [])


def test_names_that_have_no_room() -> None:
    library = ctypes.CDLL(str(LIBRARIES / f"libdrugs-processor{SUFFIX}"))
    names = ctypes.create_string_buffer(b"?" * 10, 10)
    count = library.drugs_processor_lacks(b"AVX AVX2 FMA", ctypes.byref(Processor()), names, ctypes.c_size_t(7))
    assert count == 3
    assert names.raw == b"FMA, A\0???"


@on_x86
def test_the_libraries_know_what_they_were_built_for() -> None:
    tree = Path(built_by_make("DRUGS_TEST_BACKEND_OPS")).parents[1]
    command = compile_command(tree, "ggml-cpu/ops.cpp")
    flags = [flag for flag in command if flag.startswith("-m")]
    macros = run("g++", *flags, "-dM", "-E", "-x", "c++", os.devnull)
    header = (tree / "processor" / "drugs-built-for.h").read_text("utf-8").split()
    for name in ("AVX", "AVX2", "FMA", "AVX512F", "AVX512VNNI"):
        assert (f"#define __{name}__ 1\n" in macros) == (name in header)


@pytest.fixture
def refusing(tmp_path: Path) -> Path:
    """A folder with a library that refuses every processor."""
    source = tmp_path / "refusing.c"
    source.write_text(
        "#include <stdio.h>\n"
        'int drugs_processor_refuses(char * text, size_t size) { return snprintf(text, size, "it lacks X"); }\n'
    )
    run("cc", "-shared", "-fPIC", source, "-o", tmp_path / f"libdrugs-processor{SUFFIX}")
    return tmp_path


def test_python_says_that_the_processor_is_another(refusing: Path) -> None:
    with pytest.raises(ImportError, match=r"^it lacks X$"):
        check_processor(refusing)


def test_a_folder_that_is_not_complete(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="not complete"):
        check_processor(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has LD_PRELOAD")
@pytest.mark.parametrize("name", ["drugs", "drugs-rpc-server"])
def test_a_program_says_that_the_processor_is_another(name: str, refusing: Path) -> None:
    program = Path(DRUGS).with_name(name)
    environment = {**os.environ, "LD_PRELOAD": str(refusing / f"libdrugs-processor{SUFFIX}")}
    result = subprocess.run([program, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert (result.stdout, result.stderr) == ("", "drugs_cpp: error: it lacks X\n")
