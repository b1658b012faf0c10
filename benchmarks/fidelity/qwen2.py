"""The Qwen2 architecture in float32."""

from __future__ import annotations

from benchmarks.fidelity.arrays import Array
from benchmarks.fidelity.model import LlamaModel


class Qwen2Model(LlamaModel):
    """Like Llama, except that queries, keys and values have a bias, and that RoPE uses other pairs of numbers."""

    architecture = "qwen2"

    def _rope(self, x: Array, position: int) -> Array:
        """Pairs are (0, d/2), (1, d/2 + 1), ...: files of this architecture leave the projections as they are."""
        half = x.shape[-1] // 2
        pairs = self._arrays.xp.stack([x[..., :half], x[..., half:]], axis=-1)
        turned = super()._rope(pairs.reshape(x.shape), position)
        return self._arrays.xp.concatenate([turned[..., 0::2], turned[..., 1::2]], axis=-1)
