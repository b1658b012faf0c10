"""Writes the logits and the graph of a few sober batches, for runs with patched and unpatched libraries.

usage: python -m support.sober_logits MODEL OUTPUT.npz    (LLAMA_CPP_LIB_PATH says which libraries)
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from support.low_level import Context

PROMPT = list(range(300, 340))
NEXT = [17, 1000, 25, 42]


def sober(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for n_threads, flash_attn in [(1, False), (2, False), (2, True)]:
        with Context(path, n_threads=n_threads, flash_attn=flash_attn) as ctx:
            key = f"{n_threads}-{flash_attn}"
            found[key] = np.concatenate([ctx.feed(PROMPT), *(ctx.feed([t], 40 + i) for i, t in enumerate(NEXT))])
            found[f"ops-{key}"] = np.array(ctx.ops)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[2], **sober(sys.argv[1]))
