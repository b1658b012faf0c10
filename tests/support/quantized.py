"""Tiny models whose matrices all have one type."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp

from support.tiny_model import write_tiny_model

#: the length of a row of a K-quant is a multiple of 256
N_EMBD = 256
N_FF = 512
N_CTX = 1024

TYPES = {
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q4_1": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_1,
    "Q4_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S,
    "Q5_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_S,
    "Q6_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K,
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "IQ4_NL": llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_NL,
    "F16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
    "BF16": llama_cpp.LLAMA_FTYPE_MOSTLY_BF16,
    "F32": llama_cpp.LLAMA_FTYPE_ALL_F32,
    "Q2_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q2_K,
    "Q3_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q3_K_M,
    "IQ4_XS": llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_XS,
}


def write_quantized_model(folder: Path, name: str) -> Path:
    """A model whose matrices all have the type with this name, in a file of that name."""
    whole, path = folder / "F32.gguf", folder / f"{name}.gguf"
    if not whole.exists():
        write_tiny_model(whole, n_embd=N_EMBD, n_ff=N_FF, n_ctx=N_CTX)
    if not path.exists():
        params = llama_cpp.llama_model_quantize_default_params()
        params.ftype = TYPES[name]
        params.pure = True
        params.nthread = 1
        status = llama_cpp.llama_model_quantize(str(whole).encode(), str(path).encode(), ctypes.byref(params))
        assert status == 0
    return path
