"""A model of the Llama architecture in PyTorch, in float32, from the dequantized tensors of a GGUF file.

Written from the architecture's description and not from llama.cpp, so that an error would have to be made twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import gguf.quants
import torch
from torch.nn.functional import silu

from benchmarks.fidelity.rotation import sober

#: gets a site's name and the vectors there, (n_rows, ..., d), and returns them, turned or not
Turn = Callable[[str, torch.Tensor], torch.Tensor]


class Cache:
    """Keys (after RoPE) and values of all positions so far, for every layer and row."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, n_positions: int = 0) -> None:
        """Take room for keys and values, (n_layer, n_rows, n_head_kv, n_ctx, d)."""
        self.keys = keys
        self.values = values
        self.n_positions = n_positions

    def fork(self, n_rows: int) -> Cache:
        """Return a cache whose rows all begin as this one's only row."""
        keys, values = (x.expand(-1, n_rows, -1, -1, -1).clone() for x in (self.keys, self.values))
        return Cache(keys, values, self.n_positions)


class TorchLlama:
    """Computes logits one token at a time, for many rows that are fed the same tokens and differ by their noise."""

    def __init__(self, path: Path) -> None:
        reader = gguf.GGUFReader(path)
        if _setting(reader, "general.architecture") != "llama":
            raise SystemExit(f"benchmarks: {path} is not of the Llama architecture, the only one written here")
        self._weights = {
            tensor.name: torch.tensor(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
            for tensor in reader.tensors
        }
        self.n_layer = int(_setting(reader, "llama.block_count"))
        self._n_head = int(_setting(reader, "llama.attention.head_count"))
        self._n_head_kv = int(_setting(reader, "llama.attention.head_count_kv"))
        self._epsilon = float(_setting(reader, "llama.attention.layer_norm_rms_epsilon"))
        n_embd = int(_setting(reader, "llama.embedding_length"))
        self._d = n_embd // self._n_head
        base = float(_setting(reader, "llama.rope.freq_base", 10000.0))
        self._frequencies = base ** (-torch.arange(0, self._d, 2, dtype=torch.float64) / self._d)

    def empty_cache(self, n_ctx: int) -> Cache:
        """Room for ``n_ctx`` positions of one row."""
        shape = (self.n_layer, 1, self._n_head_kv, n_ctx, self._d)
        return Cache(torch.zeros(shape), torch.zeros(shape))

    def step(self, token: int, cache: Cache, turn: Turn = sober) -> torch.Tensor:
        """Feed one token to all rows.

        Returns:
            logits (n_rows, n_vocab).
        """
        n_rows = cache.keys.shape[1]
        x = self._weights["token_embd.weight"][token].expand(n_rows, -1)
        position = cache.n_positions
        cache.n_positions += 1
        for layer in range(self.n_layer):
            x = x + self._attention(layer, self._norm(x, f"blk.{layer}.attn_norm"), position, cache, turn)
            x = x + self._feed_forward(layer, self._norm(x, f"blk.{layer}.ffn_norm"))
        x = self._norm(x, "output_norm")
        tied = "output.weight" not in self._weights
        return self._project(x, "token_embd" if tied else "output")

    def _attention(self, layer: int, x: torch.Tensor, position: int, cache: Cache, turn: Turn) -> torch.Tensor:
        """Attention of one token, (n_rows, n_embd) to (n_rows, n_embd)."""
        x = turn("H", x)
        queries, keys, values = (self._heads(self._project(x, f"blk.{layer}.attn_{name}")) for name in "qkv")
        queries = self._rope(turn("Q", queries), position)
        cache.keys[layer, :, :, position] = turn("pK", self._rope(keys, position))
        cache.values[layer, :, :, position] = turn("pV", values)

        all_keys = turn("K", self._by_query_head(cache.keys[layer, :, :, : position + 1]))
        all_values = turn("V", self._by_query_head(cache.values[layer, :, :, : position + 1]))
        scores = (all_keys * queries.view(*all_keys.shape[:3], 1, self._d)).sum(-1) / self._d**0.5
        outputs = (scores.softmax(-1).unsqueeze(-1) * all_values).sum(-2)  # (n_rows, n_head_kv, group, d)
        outputs = turn("A", outputs)
        return self._project(outputs.flatten(1), f"blk.{layer}.attn_output")

    def _feed_forward(self, layer: int, x: torch.Tensor) -> torch.Tensor:
        gate, up = (self._project(x, f"blk.{layer}.ffn_{name}") for name in ("gate", "up"))
        return self._project(silu(gate) * up, f"blk.{layer}.ffn_down")

    def _project(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ self._weights[f"{name}.weight"].T

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        root_mean_square = (x.square().mean(-1, keepdim=True) + self._epsilon).sqrt()
        return x / root_mean_square * self._weights[f"{name}.weight"]

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """(n_rows, n_head * d) to (n_rows, n_head, d)."""
        return x.view(len(x), -1, self._d)

    def _by_query_head(self, x: torch.Tensor) -> torch.Tensor:
        """(n_rows, n_head_kv, n, d) to (n_rows, n_head_kv, group, n, d): every query head reads for itself.

        Query heads that share a key head lie next to each other.
        """
        return x.unsqueeze(2).expand(-1, -1, self._n_head // self._n_head_kv, -1, -1)

    def _rope(self, x: torch.Tensor, position: int) -> torch.Tensor:
        """Rotary embedding of heads (n_rows, n_head, d).

        Pairs are neighbours, (0, 1), (2, 3), ...: in a GGUF file of this architecture, the rows of the query and key
        projections are permuted so that they are.
        """
        angles = position * self._frequencies
        cos, sin = angles.cos().float(), angles.sin().float()
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def _setting(reader: gguf.GGUFReader, key: str, otherwise: float | None = None) -> Any:
    """The number or text that a GGUF file has under a key."""
    if otherwise is not None and key not in reader.fields:
        return otherwise
    field = reader.fields[key]
    value = field.parts[field.data[0]]
    return bytes(value).decode() if field.types[0] == gguf.GGUFValueType.STRING else value[0]
