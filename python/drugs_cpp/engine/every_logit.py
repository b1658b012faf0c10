"""Evaluating with the logits of every token kept: for logprobs and draft models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from llama_cpp._internals import LlamaBatch, LlamaContext


class EveryLogit:
    """Decodes tokens as llama-cpp-python does with ``logits_all=True``.

    Args:
        batch: room for ``n_batch`` tokens.
        scores: float32 (n_ctx, n_vocab): row i gets the logits of position i.
        n_batch: most tokens of a batch.
    """

    def __init__(self, batch: LlamaBatch, scores: npt.NDArray[np.float32], n_batch: int) -> None:
        self._batch = batch
        self._scores = scores
        self._n_batch = n_batch

    def evaluate(self, context: LlamaContext, tokens: Sequence[int], n_past: int) -> None:
        """Decode tokens after ``n_past`` others of a context's first sequence, and keep their logits.

        Raises:
            RuntimeError: llama.cpp refused.
        """
        for start in range(0, len(tokens), self._n_batch):
            part = list(tokens[start : start + self._n_batch])
            first, end = n_past + start, n_past + start + len(part)
            self._batch.set_batch(batch=part, n_past=first, logits_all=True)
            context.decode(self._batch)
            shape = (len(part), self._scores.shape[1])
            self._scores[first:end] = np.ctypeslib.as_array(context.get_logits(), shape=shape)
