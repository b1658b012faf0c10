"""Evaluating with the logits of every token kept: for logprobs and draft models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from llama_cpp._internals import LlamaContext

    from drugs_cpp import _core

_SEQUENCE = 0


class EveryLogit:
    """Evaluates tokens as llama-cpp-python does with ``logits_all=True``.

    Args:
        scores: float32 (n_ctx, n_vocab): row i gets the logits of position i.
        n_batch: largest batch in tokens.
    """

    def __init__(self, scores: npt.NDArray[np.float32], n_batch: int) -> None:
        self._scores = scores
        self._n_batch = n_batch

    def evaluate(self, context: LlamaContext, decoder: _core.Decoder, tokens: Sequence[int], n_past: int) -> None:
        """Evaluate tokens after ``n_past`` others of a context's first sequence, and keep their logits.

        Args:
            context: whose logits to read.
            decoder: of the context.
            tokens: token ids.
            n_past: tokens in the cache.
        """
        for start in range(0, len(tokens), self._n_batch):
            part = list(tokens[start : start + self._n_batch])
            first, end = n_past + start, n_past + start + len(part)
            decoder.evaluate(part, first, [_SEQUENCE], outputs=True)
            shape = (len(part), self._scores.shape[1])
            self._scores[first:end] = np.ctypeslib.as_array(context.get_logits(), shape=shape)
