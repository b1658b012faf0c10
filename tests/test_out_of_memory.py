"""No C++ exception leaves llama-drugs.h: each ``operator new`` of a call fails once, and the call returns a code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a library be loaded in front of the others")

#: memory as C++ requests it; the n-th request from now on fails
SOURCE = """
#include <cstdlib>
#include <new>

extern "C" int n_until_failure = -1;

void * operator new(std::size_t size) {
    if (n_until_failure >= 0 && n_until_failure-- == 0) {
        throw std::bad_alloc();
    }
    if (void * memory = std::malloc(size ? size : 1)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void * memory) noexcept { std::free(memory); }
void operator delete(void * memory, std::size_t) noexcept { std::free(memory); }
"""

#: repeats a call until none of its requests fails; prints the code of each call
CALLS = """
import ctypes, json, sys
import llama_cpp
from support.low_level import Context
from test_c_interface import CODES, params

lib = llama_cpp.llama_cpp._lib
n_until_failure = ctypes.c_int.in_dll(ctypes.CDLL(None), "n_until_failure")
with Context(sys.argv[1]) as context:
    ctx = ctypes.c_void_p(context.address)
    calls = {
        "set": lambda: lib.llama_drugs_set(ctx, 1, ctypes.byref(params())),
        "has_site": lambda: lib.llama_drugs_has_site(ctx, 0, 0, 0),
        "set_repeatable": lambda: lib.llama_drugs_set_repeatable(ctx, -1, True),
    }
    codes = {}
    for name, call in calls.items():
        codes[name] = []
        while CODES["OK"] not in codes[name][-1:] and 1 not in codes[name][-1:] and len(codes[name]) < 100000:
            n_until_failure.value = len(codes[name])
            code = call()
            codes[name].append(code)
            n_until_failure.value = -1
print(json.dumps([CODES, codes]))
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failing")
    (folder / "failing.cpp").write_text(SOURCE, encoding="utf-8")
    library = folder / "failing.so"
    subprocess.run(["c++", "-shared", "-fPIC", str(folder / "failing.cpp"), "-o", str(library)], check=True)
    return library


@linux
def test_every_request_for_memory_may_fail(failing: Path, tiny_model_path: str) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(failing), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", "import drugs_cpp\n" + CALLS, tiny_model_path]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    codes, answers = json.loads(run.stdout.splitlines()[-1])
    failures = {codes["ERR_MEMORY"], codes["ERR_GRAPH"]}
    for name, given in answers.items():
        assert set(given[:-1]) <= failures, name
        assert given[-1] in (codes["OK"], 1), name
    assert len(answers["set"]) > 5  # there were some requests
