"""A mixture of experts in float32: the Qwen2-MoE architecture."""

from __future__ import annotations

import gguf
import numpy as np

from benchmarks.fidelity.arrays import Array, Arrays
from benchmarks.fidelity.model import Turn
from benchmarks.fidelity.qwen2 import Qwen2Model
from benchmarks.fidelity.rotation import Place


class ExpertsModel(Qwen2Model):
    """Like Qwen2, except that each token's feed-forward uses a few experts and one that all tokens share."""

    architecture = "qwen2moe"

    def __init__(self, reader: gguf.GGUFReader, arrays: Arrays) -> None:
        super().__init__(reader, arrays)
        self._n_chosen = int(self._setting(reader, "expert_used_count"))

    def _feed_forward(self, layer: int, x: Array, position: int, turn: Turn) -> Array:
        """Return the chosen experts, weighted by their probabilities among all, plus the shared one with its gate."""
        chosen = self._choose(self._arrays.softmax(self._project(x, f"blk.{layer}.ffn_gate_inp")))
        outputs = self._experts(layer, x, Place("M", layer, position, first_head=1), turn)
        gate = self._weights[f"blk.{layer}.ffn_gate_inp_shexp.weight"]
        weight = 1 / (1 + self._arrays.xp.exp(-(x * gate).sum(axis=-1, keepdims=True)))
        return (chosen[..., None] * outputs).sum(axis=1) + weight * self._shared(layer, x, position, turn)

    def _choose(self, probabilities: Array) -> Array:
        """Return the largest probabilities (n_rows, n_expert), and 0 for all others."""
        numbers = self._arrays.to_numpy(probabilities)
        least = np.sort(numbers, axis=-1)[:, -self._n_chosen, None]
        return probabilities * self._arrays.xp.asarray((numbers >= least).astype(np.float32))

    def _experts(self, layer: int, x: Array, place: Place, turn: Turn) -> Array:
        """Return the output of each expert for each row, chosen or not: (n_rows, n_expert, n_embd)."""
        gate, up, down = (self._weights[f"blk.{layer}.ffn_{name}_exps.weight"] for name in ("gate", "up", "down"))
        by_expert = x[:, None, None, :]  # to be multiplied by matrices (n_expert, rows, columns)
        inner = self._arrays.silu((by_expert * gate).sum(axis=-1)) * (by_expert * up).sum(axis=-1)
        inner = turn(place, inner)
        return (inner[:, :, None, :] * down).sum(axis=-1)

    def _shared(self, layer: int, x: Array, position: int, turn: Turn) -> Array:
        gate, up = (self._project(x, f"blk.{layer}.ffn_{name}_shexp") for name in ("gate", "up"))
        inner = turn(Place("M", layer, position), self._arrays.silu(gate) * up)
        return self._project(inner, f"blk.{layer}.ffn_down_shexp")
