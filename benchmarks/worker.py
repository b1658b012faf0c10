"""One side of a comparison in a separate process: loads a model once, then decodes on request.

usage: LLAMA_CPP_LIB_PATH=FOLDER python -m benchmarks.worker MODEL N_THREADS N_PAST FLASH_ATTN N_GPU_LAYERS

Has N_PAST sober tokens in its cache, and decodes after them. Reads one JSON object per line,
``{"sites": ["A"], "angle": 0.1, "hold": 1, "tokens": 64}`` (hold: tokens, 0 for all), and answers with
``{"seconds": ..., "peak_kib": ...}``. Does not use drugs_cpp, so that it also runs on an unpatched library; doses are
set through the C interface, llama-drugs.h. Under callgrind, only the decoding itself is counted.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import llama_cpp

SITES = ("H", "Q", "K", "V", "A", "pK", "pV", "M")  # columns of a dose table
SIMPLE_SITES = ("H", "Q", "A", "pK", "pV")  # one rotation for each token, of attention's vectors
SEED = 7
SINK = 6


class Params(ctypes.Structure):
    """struct llama_drugs_params"""

    _fields_ = [
        ("doses", ctypes.POINTER(ctypes.c_float)),
        ("n_layer", ctypes.c_int32),
        ("seed", ctypes.c_uint32),
        ("n_sink", ctypes.c_int32),
        ("noise", ctypes.c_int),
        ("start", ctypes.c_int32),
        ("hold", ctypes.POINTER(ctypes.c_int32)),
        ("shared_layers", ctypes.c_bool),
        ("angle", ctypes.c_int),
        ("turn", ctypes.c_int),
        ("apart", ctypes.c_int32),
        ("course", ctypes.c_void_p),
        ("n_course", ctypes.c_int32),
        ("course_start", ctypes.c_int32),
    ]


def set_dose(llm: llama_cpp.Llama, sites: list[str], angle: float = 0, hold: int = 1) -> None:
    """Dose every layer at these sites with the same largest angle (radians); no sites: sober."""
    lib = llama_cpp.llama_cpp._lib
    context = ctypes.c_void_p(llm.ctx)
    if not sites:
        if hasattr(lib, "llama_drugs_clear"):
            lib.llama_drugs_clear(context, 0)
        return
    n_layer = lib.llama_drugs_n_layer(context)
    row = [angle * (site in sites) for site in SITES]
    table = (ctypes.c_float * (n_layer * len(SITES)))(*row * n_layer)
    params = Params(table, n_layer, SEED, SINK, 0, hold=(ctypes.c_int32 * len(SITES))(*[hold] * len(SITES)))
    status = lib.llama_drugs_set(context, 0, ctypes.byref(params))
    if status != 0:
        raise RuntimeError(f"llama_drugs_set returned {status}")


def some_tokens(n: int) -> list[int]:
    """Return the ids that a cache begins with; none is a control token."""
    return [300 + 7 * i % 40000 for i in range(n)]


def count_instructions(on: bool) -> None:
    """Tell callgrind, if this runs under it, to start counting, or to stop and write its counts."""
    if os.environ.get("DRUGS_CALLGRIND"):
        for option in ["--instr=on"] if on else ["--instr=off", "--dump"]:
            command = ["callgrind_control", option, str(os.getpid())]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def decode(llm: llama_cpp.Llama, n_past: int, task: dict[str, Any]) -> float:
    """Return the seconds for a task's tokens, one by one, after the sober ones and a token that builds the graph."""
    n_tokens: int = task["tokens"]
    llm.n_tokens = n_past
    llm._ctx.kv_cache_seq_rm(-1, n_past, -1)
    set_dose(llm, task["sites"], task["angle"], task["hold"])
    llm.eval([1000])
    count_instructions(True)
    start = time.perf_counter()
    for i in range(n_tokens):
        llm.eval([1001 + i])
    seconds = time.perf_counter() - start
    count_instructions(False)
    set_dose(llm, [])
    return seconds


def peak_memory() -> int:
    """Return the peak resident memory, in KiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak  # bytes there


def main() -> None:
    path, (n_threads, n_past, flash_attn, n_gpu_layers) = sys.argv[1], map(int, sys.argv[2:])
    llm = llama_cpp.Llama(
        path,
        n_ctx=n_past + 256,
        n_threads=n_threads,
        n_threads_batch=n_threads,
        flash_attn=bool(flash_attn),
        n_gpu_layers=n_gpu_layers,
        verbose=False,
    )
    llm.eval(some_tokens(n_past))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        seconds = decode(llm, n_past, json.loads(line))
        print(json.dumps({"seconds": seconds, "peak_kib": peak_memory()}), flush=True)
    llm.close()


if __name__ == "__main__":
    main()
