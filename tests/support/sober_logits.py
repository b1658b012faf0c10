"""Writes the logits and the graph of a few sober batches, for runs with patched and unpatched libraries.

usage: python -m support.sober_logits MODEL OUTPUT.npz    (LLAMA_CPP_LIB_PATH says which libraries)
"""

from __future__ import annotations

import sys
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from support.low_level import N_GPU_LAYERS, Context

PROMPT = list(range(300, 340))
NEXT = [17, 1000, 25, 42]


def sober(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for n_threads, flash_attn in [(1, False), (2, False), (2, True)]:
        with Context(path, n_threads=n_threads, flash_attn=flash_attn, records=True) as ctx:
            key = f"{n_threads}-{flash_attn}"
            found[key] = np.concatenate([ctx.feed(PROMPT), *(ctx.feed([t], 40 + i) for i, t in enumerate(NEXT))])
            found[f"ops-{key}"] = np.array(ctx.ops)
    found["class"] = of_class(path)
    return found


def of_class(path: str) -> npt.NDArray[np.float32]:
    """The last token's logits from llama-cpp-python's class: a card rounds them differently if it computes all."""
    settings: dict[str, Any] = {"n_ctx": 512, "n_threads": 2, "n_threads_batch": 2, "verbose": False}
    llm = llama_cpp.Llama(path, n_gpu_layers=N_GPU_LAYERS, **settings)
    llm.eval(PROMPT)
    logits = np.ctypeslib.as_array(llm._ctx.get_logits(), shape=(llm.n_vocab(),)).copy()
    llm.close()
    return logits


if __name__ == "__main__":
    np.savez(sys.argv[2], **sober(sys.argv[1]))
