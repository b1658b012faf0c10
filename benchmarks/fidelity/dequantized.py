"""The same weights in a file with which llama.cpp computes products without rounding the other factor to 8 bits."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
from llama_cpp._logger import set_verbose

FLOAT16 = llama_cpp.LLAMA_FTYPE_MOSTLY_F16
FLOAT32 = llama_cpp.LLAMA_FTYPE_ALL_F32


def write_dequantized(quantized: Path, output: Path, file_type: int) -> None:
    """Write a GGUF model with dequantized weights as 16-bit or 32-bit floats."""
    set_verbose(False)
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = file_type
    params.allow_requantize = True
    status = llama_cpp.llama_model_quantize(str(quantized).encode(), str(output).encode(), ctypes.byref(params))
    if status != 0:
        raise SystemExit(f"benchmarks: {quantized} could not be written with dequantized weights to {output}")
