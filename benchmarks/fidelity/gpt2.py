"""The GPT-2 architecture in float32."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.fidelity.arrays import Array
from benchmarks.fidelity.model import LlamaModel, Turn
from benchmarks.fidelity.rotation import Place


class Gpt2Model(LlamaModel):
    """Layer norms with a bias, learned positions instead of RoPE, one matrix for queries, keys and values, and GELU."""

    architecture = "gpt2"
    _epsilon_key = "attention.layer_norm_epsilon"

    def _embed(self, token: int, position: int) -> Array:
        return self._weights["token_embd.weight"][token] + self._weights["position_embd.weight"][position]

    def _projections(self, layer: int, x: Array) -> list[Array]:
        all_three = self._project(x, f"blk.{layer}.attn_qkv")
        n = all_three.shape[-1] // 3
        return [all_three[:, i * n : (i + 1) * n] for i in range(3)]

    def _rope(self, x: Array, position: int) -> Array:  # noqa: ARG002  (positions are in the embedding)
        return x

    def _feed_forward(self, layer: int, x: Array, position: int, turn: Turn) -> Array:
        inner = turn(Place("M", layer, position), self._gelu(self._project(x, f"blk.{layer}.ffn_up")))
        return self._project(inner, f"blk.{layer}.ffn_down")

    def _gelu(self, x: Array) -> Array:
        """Compute the approximation by a hyperbolic tangent, for 16-bit numbers.

        On a CPU, llama.cpp looks it up in a table of all 16-bit numbers between -10 and 10.
        """
        rounded = self._to_16_bits(x)
        tanh = self._arrays.xp.tanh(math.sqrt(2 / math.pi) * (rounded + 0.044715 * rounded * rounded * rounded))
        looked_up = self._to_16_bits(0.5 * rounded * (1 + tanh))
        return self._arrays.xp.where(abs(x) < 10, looked_up, x * (x > 0))

    def _to_16_bits(self, x: Array) -> Array:
        numbers = self._arrays.to_numpy(x).astype(np.float16).astype(np.float32)
        return self._arrays.xp.asarray(numbers)

    def _norm(self, x: Array, name: str) -> Array:
        x = x - x.mean(axis=-1, keepdims=True)
        return super()._norm(x, name) + self._weights[f"{name}.bias"]
