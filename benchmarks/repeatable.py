"""What it costs to compute repeatably, by the type of the model's matrices."""

from __future__ import annotations

import contextlib
import ctypes
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import llama_cpp

from benchmarks.alternate import alternate_numbers
from benchmarks.counting import n_fed_back
from benchmarks.results import Cell, Results
from benchmarks.setup import Setup, dose
from benchmarks.synthetic import Shape, write_model
from benchmarks.worker import some_tokens
from drugs_cpp import Llama

#: about 100 million weights; rows of K-quants are multiples of 256
SHAPE = Shape(n_layer=8, n_embd=1024, n_head=16, n_head_kv=4, n_ff=2816, n_vocab=8000)

TYPES = {
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q4_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S,
    "Q5_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_S,
    "Q6_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K,
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "F16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
}

PROMPT = some_tokens(512)

N_TEXTS = 16
N_NEW = 32

REPEATABLE, AS_LLAMA_CPP = "repeatable", "as llama.cpp"


def measure(setup: Setup, results: Results, rounds: int) -> None:
    """Measure tokens per second of a dosed model with each kind of arithmetic, taking turns."""
    for flash_attn in (False, True):
        rows: list[list[Cell]] = []
        with TemporaryDirectory() as folder:
            source = Path(folder) / "source.gguf"
            write_model(source, SHAPE)
            for name, ftype in TYPES.items():
                path = _quantize(source, Path(folder) / f"{name}.gguf", ftype)
                rows += _rows(Setup(str(path), setup.n_threads, setup.n_tokens), name, flash_attn, rounds, results)
                path.unlink()
        attention = "flash attention" if flash_attn else "no flash attention"
        title = f"Repeatable, {attention}, {setup.n_threads} threads, {rounds} rounds"
        results.table(title, ["type", "what", f"{AS_LLAMA_CPP}, tokens/s", "ratio"], rows)


def _quantize(source: Path, path: Path, ftype: int) -> Path:
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = ftype
    params.pure = params.allow_requantize = True
    if llama_cpp.llama_model_quantize(str(source).encode(), str(path).encode(), ctypes.byref(params)) != 0:
        raise RuntimeError(f"{path.name} could not be quantized")
    return path


def _rows(setup: Setup, name: str, flash_attn: bool, rounds: int, results: Results) -> list[list[Cell]]:
    measured = {
        f"prompt of {len(PROMPT)}": _prompt_speed,
        f"{N_TEXTS} variations": _variations_speed,
        "one text": _text_speed,
    }
    rows: list[list[Cell]] = []
    with contextlib.ExitStack() as stack:
        models = {
            side: stack.enter_context(
                contextlib.closing(setup.llama(1024, drugs=dose(seed=1), repeatable=repeatable, flash_attn=flash_attn))
            )
            for side, repeatable in ((REPEATABLE, True), (AS_LLAMA_CPP, False))
        }
        for what, speed in measured.items():
            sides = {side: partial(speed, llm) for side, llm in models.items()}
            found = alternate_numbers(sides, rounds, partial(results.progress, what=f"of {name}, {what}"))
            plain = found[AS_LLAMA_CPP]
            rows.append([name, what, plain, found[REPEATABLE].against(plain, AS_LLAMA_CPP)])
    return rows


def _prompt_speed(llm: Llama) -> float:
    llm.reset()
    start = time.perf_counter()
    llm.eval(PROMPT, dosed=False)
    return len(PROMPT) / (time.perf_counter() - start)


def _variations_speed(llm: Llama) -> float:
    llm.variations(PROMPT[:8], n=N_TEXTS, seeds=1, max_tokens=1)  # creates the context, and computes the prompt
    start = time.perf_counter()
    answer = llm.variations(PROMPT[:8], n=N_TEXTS, seeds=1, max_tokens=N_NEW)
    return float(answer["usage"]["completion_tokens"]) / (time.perf_counter() - start)


def _text_speed(llm: Llama) -> float:
    llm.create_completion(PROMPT[:8], max_tokens=1, seed=1)
    start = time.perf_counter()
    answer = llm.create_completion(PROMPT[:8], max_tokens=N_NEW, seed=1)
    return n_fed_back(answer) / (time.perf_counter() - start)
