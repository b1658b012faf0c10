"""What the independent model and the engine compute inside for a sober text, and how far apart both are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import llama_cpp
import numpy as np

import drugs_cpp
from benchmarks.fidelity.architectures import open_model
from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.model import LlamaModel
from benchmarks.fidelity.protocol import F32, F64
from drugs_cpp import DRUGS


class Inside(NamedTuple):
    """What is computed at each position of a text; positions are the first axis."""

    hidden: F32  # (n_tokens, n_layer + 1, n_embd): the embedding, and the output of each layer
    norm: F32  # (n_tokens, n_embd): the last one after the final norm
    logits: F32  # (n_tokens, n_vocab)
    heads: F32  # (n_tokens, n_layer, n_head, n_embd_head)
    attention: F32  # (n_tokens, n_layer, n_head, n_tokens): 0 at later positions
    lens: F32  # (n_tokens, n_layer + 1, n_vocab): logits of each layer's output


def inside_model(model: LlamaModel, arrays: Arrays, tokens: Sequence[int]) -> Inside:
    """Return what the independent model computes."""
    cache = model.empty_cache(len(tokens))
    seen: dict[str, list[list[F32]]] = {"hidden": [], "norm": [], "heads": [], "attention": []}

    def look(part: str, layer: int, x: Array) -> None:
        if layer == 0:
            seen[part].append([])
        seen[part][-1].append(arrays.to_numpy(x)[0])

    logits = np.stack([arrays.to_numpy(model.step(token, cache, look=look)[0]) for token in tokens])
    attention = np.zeros((len(tokens), model.n_layer, *seen["attention"][-1][0].shape), np.float32)
    for i, weights in enumerate(seen["attention"]):
        attention[i, ..., : i + 1] = weights
    hidden, norm, heads = (np.array(seen[part]) for part in ("hidden", "norm", "heads"))
    lens = model.head(model.final_norm(arrays.xp.asarray(hidden)))
    return Inside(hidden, norm[:, 0], logits, heads, attention, arrays.to_numpy(lens))


class EngineInside:
    """Traces of ``drugs_cpp.Llama``.

    Args:
        path: of a model whose weights are floats.
        cache_type: of keys and values. Except in 32 bits, they and the queries are rounded. So they are with flash
            attention, which is off by default.
    """

    def __init__(self, path: Path, cache_type: int = llama_cpp.GGML_TYPE_F32) -> None:
        self._llm = drugs_cpp.Llama(
            path, n_ctx=256, n_threads=1, n_threads_batch=1, type_k=cache_type, type_v=cache_type, verbose=False
        )

    def tokens(self, text: str) -> list[int]:
        return [int(token) for token in self._llm.tokenize(text.encode())]

    def inside(self, tokens: Sequence[int]) -> Inside:
        """Return what the engine computes."""
        trace = self._llm.trace(tokens, positions="all", heads="all", attention="all", drugs=DRUGS())
        assert trace.norm is not None
        assert trace.logits is not None
        heads, attention = (
            np.stack([found[layer] for layer in sorted(found)], axis=1) for found in (trace.heads, trace.attention)
        )
        return Inside(trace.hidden, trace.norm, trace.logits, heads, attention, trace.lens())

    def close(self) -> None:
        self._llm.close()


def relative_errors(found: F32, wanted: F32) -> F64:
    """Return the length of the difference of vectors over the length of the wanted ones, along the last axis."""
    wanted = wanted.astype(np.float64)
    return np.asarray(np.linalg.norm(found - wanted, axis=-1) / np.linalg.norm(wanted, axis=-1))


def largest_errors(found: Inside, wanted: Inside) -> dict[str, float]:
    """Return the largest relative error of any position, layer and head, for each part."""
    return {
        part: float(relative_errors(mine, theirs).max()) for part, mine, theirs in zip(Inside._fields, found, wanted)
    }


class Compared(NamedTuple):
    """A model, and how far the engine's numbers are from the independent model's."""

    model: str
    architecture: str
    n_tokens: int
    cache: str
    errors: dict[str, float]


#: by their names on the page
CACHES = {"32 bits": llama_cpp.GGML_TYPE_F32, "16 bits": llama_cpp.GGML_TYPE_F16}


def compare(name: str, weights: Path, floats: Path, text: str | Sequence[int], arrays: Arrays) -> list[Compared]:
    """Compare both sides, once for each type of the engine's cache.

    Args:
        name: of the model.
        weights: the file for the independent model: a GGUF file of an architecture that it supports.
        floats: the file for the engine: the same weights as 32-bit floats.
        text: text or tokens.
        arrays: what the independent model computes with.
    """
    model = open_model(weights, arrays)
    wanted: Inside | None = None
    lines = []
    for cache, cache_type in CACHES.items():
        engine = EngineInside(floats, cache_type)
        tokens = engine.tokens(text) if isinstance(text, str) else text
        found = engine.inside(tokens)
        engine.close()
        wanted = inside_model(model, arrays, tokens) if wanted is None else wanted
        lines.append(Compared(name, model.architecture, len(tokens), cache, largest_errors(found, wanted)))
    return lines
