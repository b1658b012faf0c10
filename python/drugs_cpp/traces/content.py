"""The content of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drugs_cpp.traces.divergence import log_softmax

if TYPE_CHECKING:
    import numpy.typing as npt

    F32 = npt.NDArray[np.float32]
    I32 = npt.NDArray[np.int32]


class TopToken(NamedTuple):
    """A likely next token: its text, number, logit and probability."""

    token: str
    id: int
    logit: float
    prob: float


@dataclass(frozen=True, eq=False, repr=False)
class TraceContent:
    """What a model computed inside, at some positions of a text.

    Attributes:
        tokens: ids of the whole text.
        pieces: the text of each token.
        positions: those that were read, int32 (n_positions,), ascending, counted from 0.
        layers: those whose output was read, int32 (n_layers,), ascending: 0 is the embedding, i + 1 is layer i.
        hidden: output of each layer, before the final norm, float32 (n_positions, n_layers, n_embd). If there are
            several residual streams (Gemma 3n, DeepSeek-V4), the first one.
        norm: output of the last layer, after the final norm, float32 (n_positions, n_embd).
        logits: of the next token, float32 (n_positions, n_vocab); None: the model has none.
        tops: for each position, the most likely next tokens, the likeliest first.
        heads: for chosen layers, the attention outputs of each head, with the dose applied, float32 (n_positions,
            n_head, n_embd_head).
        attention: for chosen layers, the attention weights of each head, float32 (n_positions, n_head, n_tokens).
        drugs: the doses in the form of ``DRUGS.to_dict``; None: the text was computed sober.
        seed: of the noise; None: the text was computed sober.
        dosed: "all" positions past the sink, or only the "last" one.
        model: name of the model's file.
    """

    tokens: tuple[int, ...]
    pieces: tuple[str, ...]
    positions: I32
    layers: I32
    hidden: F32
    norm: F32 | None
    logits: F32 | None
    tops: list[list[TopToken]]
    heads: Mapping[int, F32] = field(default_factory=dict)
    attention: Mapping[int, F32] = field(default_factory=dict)
    drugs: Mapping[str, Any] | None = None
    seed: int | None = None
    dosed: str = "all"
    model: str = ""

    def __repr__(self) -> str:
        made = "sober" if self.drugs is None else f"dosed, seed {self.seed}"
        n_positions, n_layers, n_embd = self.hidden.shape
        return f"<trace: {n_positions} x {n_layers} hidden states of {n_embd}, {made}>"

    @property
    def top(self) -> list[TopToken]:
        """The most likely tokens after the last position that was read, the likeliest first."""
        return self.tops[-1] if self.tops else []


def most_likely(logits: npt.ArrayLike, k: int, piece: Callable[[int], str]) -> list[TopToken]:
    """Return the ``k`` most likely tokens; of equally likely ones, the lower id comes first.

    Args:
        logits: (n_vocab,).
        k: how many.
        piece: returns the text of a token.
    """
    x = np.asarray(logits, np.float32)
    if k == 0:
        return []
    log_p = log_softmax(x)
    least = np.partition(x, -k)[-k] if k < len(x) else -np.inf
    order = sorted(np.flatnonzero(x >= least).tolist(), key=lambda i: (-x[i], i))[:k]
    return [TopToken(piece(i), i, float(x[i]), float(np.exp(log_p[i]))) for i in order]
