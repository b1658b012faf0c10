"""``Recorder``: reads what a context computes inside, position by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.errors import OptionError

if TYPE_CHECKING:
    import numpy.typing as npt

    F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Parts:
    """What is read at a position.

    The logits, and the last layer's output after the final norm, are always read.

    Attributes:
        layers: hidden states, 0 to n_layer, ascending.
        heads: layers whose heads' outputs are read, 0 to n_layer - 1.
        attention: layers whose attention weights are read, 0 to n_layer - 1.
    """

    layers: Sequence[int]
    heads: Sequence[int] = ()
    attention: Sequence[int] = ()


@dataclass(frozen=True)
class Record:
    """What was computed at one position.

    Attributes:
        hidden: float32 (n_layers, n_embd).
        norm: the last one after the final norm, float32 (n_embd,), or None.
        logits: float32 (n_vocab,), or None.
        heads: by layer, float32 (n_head, n_embd_head).
        attention: by layer, float32 (n_head, n_positions).
    """

    hidden: F32
    norm: F32 | None
    logits: F32 | None
    heads: Mapping[int, F32] = field(default_factory=dict)
    attention: Mapping[int, F32] = field(default_factory=dict)


class Recorder:
    """Records each output token of a context, from :meth:`resume` to :meth:`end`.

    Args:
        address: of the llama_context.
        parts: what to read.
    """

    def __init__(self, address: int, parts: Parts) -> None:
        self._address = address
        self._parts = parts
        self._is_on = False

    def resume(self) -> None:
        """Read from the next token on, and discard what was read before."""
        if self._is_on:
            self.clear()
            return
        self._is_on = True
        _core.trace_begin(
            self._address,
            hidden=list(self._parts.layers),
            heads=list(self._parts.heads),
            attention=list(self._parts.attention),
            norm=True,
            logits=True,
        )

    def end(self) -> None:
        """Stop reading."""
        self._is_on = False
        _core.trace_end(self._address)

    def clear(self) -> None:
        """Discard what was read."""
        _core.trace_clear(self._address)

    def take(self) -> dict[tuple[int, int], Record]:
        """Return what was read since the last call, by sequence and position.

        Raises:
            OptionError: the model does not have a part that should be read.
        """
        tokens = _core.trace_tokens(self._address)
        hidden = [self._part("hidden", layer) for layer in self._parts.layers]
        norm = _core.trace_part(self._address, "norm", 0)
        logits = _core.trace_part(self._address, "logits", 0)
        heads = {layer: self._part("heads", layer) for layer in self._parts.heads}
        attention = {layer: self._part("attention", layer) for layer in self._parts.attention}
        self.clear()
        return {
            token: Record(
                np.concatenate([rows[i] for rows in hidden]),
                None if norm is None else norm[i][0],
                None if logits is None else logits[i][0],
                {layer: rows[i] for layer, rows in heads.items()},
                {layer: rows[i] for layer, rows in attention.items()},
            )
            for i, token in enumerate(tokens)
        }

    def _part(self, name: str, layer: int) -> list[F32]:
        rows = _core.trace_part(self._address, name, layer)
        if rows is None:
            raise OptionError(f"this model has no {name} to read in layer {layer}: {_WHY[name]}")
        return rows


_WHY = {
    "hidden": "its residual stream was not found there",
    "heads": "the layer has no attention heads; choose another",
    "attention": "the layer has no attention weights of its own, or values are cached in a quantized type; "
    "choose another layer, or load the model without type_v",
}
