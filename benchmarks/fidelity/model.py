"""A model of the Llama architecture in float32, from the dequantized tensors of a GGUF file.

Written from the architecture's description and not from llama.cpp, so that an error would have to be made twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gguf
import gguf.quants
import numpy as np

from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.rotation import Q_BEFORE_ROPE, Place, sober

#: called with a place and the vectors there, (n_rows, ..., d); returns them, turned or not
Turn = Callable[[Place, Array], Array]

#: called with the name of a part, a layer and what was computed there, with rows as the first axis:
#: "hidden" (n_rows, n_embd), 0 for the embedding and layer + 1 for a layer's output; "norm" (n_rows, n_embd), the
#: last one after the final norm; "attention" (n_rows, n_head, n_positions); "heads" (n_rows, n_head, d)
Look = Callable[[str, int, Array], None]


def look_away(_part: str, _layer: int, _x: Array) -> None:
    """Ignore everything."""


class Cache:
    """Keys (after RoPE) and values of all positions so far, for every layer and row."""

    def __init__(self, arrays: Arrays, keys: Array, values: Array, n_positions: int = 0) -> None:
        """Take arrays for keys and values, (n_layer, n_rows, n_head_kv, n_ctx, d)."""
        self._arrays = arrays
        self.keys = keys
        self.values = values
        self.n_positions = n_positions

    def fork(self, n_rows: int) -> Cache:
        """Return a cache whose rows all begin as this one's only row."""
        keys, values = (self._arrays.xp.tile(x, (1, n_rows, 1, 1, 1)) for x in (self.keys, self.values))
        return Cache(self._arrays, keys, values, self.n_positions)


class LlamaModel:
    """Computes logits one token at a time, for many rows that are fed the same tokens and differ in their noise."""

    #: its name in GGUF files
    architecture = "llama"
    _epsilon_key = "attention.layer_norm_rms_epsilon"

    def __init__(self, reader: gguf.GGUFReader, arrays: Arrays) -> None:
        self._arrays = arrays
        self._weights = {
            tensor.name: arrays.xp.asarray(np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type)))
            for tensor in reader.tensors
        }
        self.n_layer = int(self._setting(reader, "block_count"))
        self._n_head = int(self._setting(reader, "attention.head_count"))
        self._n_head_kv = int(self._setting(reader, "attention.head_count_kv", self._n_head))
        self._epsilon = float(self._setting(reader, self._epsilon_key))
        n_embd = int(self._setting(reader, "embedding_length"))
        self._d = n_embd // self._n_head
        base = float(self._setting(reader, "rope.freq_base", 10000.0))
        self._frequencies = base ** (-np.arange(0, self._d, 2) / self._d)

    def empty_cache(self, n_ctx: int) -> Cache:
        """Return a cache for ``n_ctx`` positions of one row."""
        shape = (self.n_layer, 1, self._n_head_kv, n_ctx, self._d)
        keys, values = (self._arrays.xp.zeros(shape, dtype=self._arrays.xp.float32) for _ in range(2))
        return Cache(self._arrays, keys, values)

    def step(self, token: int, cache: Cache, turn: Turn = sober, look: Look = look_away) -> Array:
        """Feed one token to all rows.

        Returns:
            logits (n_rows, n_vocab).
        """
        n_rows = cache.keys.shape[1]
        position = cache.n_positions
        cache.n_positions += 1
        embedding = self._embed(token, position)
        x = self._arrays.xp.broadcast_to(embedding, (n_rows, len(embedding)))
        look("hidden", 0, x)
        for layer in range(self.n_layer):
            x = x + self._attention(layer, self._norm(x, f"blk.{layer}.attn_norm"), position, cache, turn, look)
            x = x + self._feed_forward(layer, self._norm(x, f"blk.{layer}.ffn_norm"), position, turn)
            look("hidden", layer + 1, x)
        normed = self.final_norm(x)
        look("norm", 0, normed)
        return self.head(normed)

    def final_norm(self, x: Array) -> Array:
        """Apply the norm after all layers to vectors (..., n_embd)."""
        return self._norm(x, "output_norm")

    def head(self, normed: Array) -> Array:
        """Return logits (..., n_vocab)."""
        tied = "output.weight" not in self._weights
        return self._project(normed, "token_embd" if tied else "output")

    def _embed(self, token: int, position: int) -> Array:  # noqa: ARG002  (others count positions)
        return self._weights["token_embd.weight"][token]

    def _attention(self, layer: int, x: Array, position: int, cache: Cache, turn: Turn, look: Look) -> Array:
        """Compute attention of one token, (n_rows, n_embd) to (n_rows, n_embd)."""
        at = partial(Place, layer=layer, position=position)
        x = turn(at("H"), x)
        queries, keys, values = map(self._heads, self._projections(layer, x))
        queries = turn(at("Q"), self._rope(turn(at(Q_BEFORE_ROPE), queries), position))
        cache.keys[layer, :, :, position] = turn(at("pK"), self._rope(keys, position))
        cache.values[layer, :, :, position] = turn(at("pV"), values)

        all_keys = turn(at("K"), self._by_query_head(cache.keys[layer, :, :, : position + 1]))
        all_values = turn(at("V"), self._by_query_head(cache.values[layer, :, :, : position + 1]))
        scores = (all_keys * queries.reshape(*all_keys.shape[:3], 1, self._d)).sum(axis=-1) / self._d**0.5
        weights = self._arrays.softmax(scores)
        outputs = (weights[..., None] * all_values).sum(axis=-2)  # (n_rows, n_head_kv, group, d)
        outputs = turn(at("A"), outputs)
        look("attention", layer, weights.reshape(len(x), self._n_head, -1))
        look("heads", layer, outputs.reshape(len(x), self._n_head, -1))
        return self._project(outputs.reshape(len(x), -1), f"blk.{layer}.attn_output")

    def _projections(self, layer: int, x: Array) -> list[Array]:
        """Return queries, keys and values of all heads."""
        return [self._project(x, f"blk.{layer}.attn_{name}") for name in "qkv"]

    def _feed_forward(self, layer: int, x: Array, position: int, turn: Turn) -> Array:
        gate, up = (self._project(x, f"blk.{layer}.ffn_{name}") for name in ("gate", "up"))
        inner = turn(Place("M", layer, position), self._arrays.silu(gate) * up)
        return self._project(inner, f"blk.{layer}.ffn_down")

    def _project(self, x: Array, name: str) -> Array:
        x = x @ self._weights[f"{name}.weight"].T
        bias = f"{name}.bias"
        return x + self._weights[bias] if bias in self._weights else x

    def _norm(self, x: Array, name: str) -> Array:
        root_mean_square = self._arrays.xp.sqrt((x * x).mean(axis=-1, keepdims=True) + self._epsilon)
        return x / root_mean_square * self._weights[f"{name}.weight"]

    def _heads(self, x: Array) -> Array:
        """Reshape (n_rows, n_head * d) to (n_rows, n_head, d)."""
        return x.reshape(len(x), -1, self._d)

    def _by_query_head(self, x: Array) -> Array:
        """Expand (n_rows, n_head_kv, n, d) to (n_rows, n_head_kv, group, n, d), with a copy for each query head.

        Query heads that share a key head are next to each other.
        """
        shape = (*x.shape[:2], self._n_head // self._n_head_kv, *x.shape[2:])
        return self._arrays.xp.broadcast_to(x[:, :, None], shape)

    def _rope(self, x: Array, position: int) -> Array:
        """Apply the rotary embedding to heads (n_rows, n_head, d).

        Pairs are neighbours, (0, 1), (2, 3), ...: in a GGUF file of this architecture, the rows of the query and key
        projections are permuted so that they are.
        """
        angles = position * self._frequencies
        cos, sin = (self._arrays.xp.asarray(f(angles).astype(np.float32)) for f in (np.cos, np.sin))
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = self._arrays.xp.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1)
        return turned.reshape(x.shape)

    def _setting(self, reader: gguf.GGUFReader, key: str, otherwise: float | None = None) -> Any:
        """Return the number that a GGUF file has for a key of the architecture."""
        return setting(reader, f"{self.architecture}.{key}", otherwise)


def setting(reader: gguf.GGUFReader, key: str, otherwise: float | None = None) -> Any:
    """Return the number or text that a GGUF file has for a key."""
    if otherwise is not None and key not in reader.fields:
        return otherwise
    field = reader.fields[key]
    value = field.parts[field.data[0]]
    return bytes(value).decode() if field.types[0] == gguf.GGUFValueType.STRING else value[0]
