"""A cold shower in the background, while the caller waits for something else."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.contexts import open_context

if TYPE_CHECKING:
    from drugs_cpp.evaluation import DosedEval

_SEQUENCE = 0


class BackgroundShower:
    """Computes a model's tokens again, sober, in a context of its own; the model's own cache stays as it is meanwhile.

    Args:
        llm: the model, with dirty positions.
        first: the first dirty one.
    """

    def __init__(self, llm: DosedEval, first: int) -> None:
        self._llm = llm
        self._tokens = llm.input_ids[: llm.n_tokens].tolist()
        self._context = open_context(llm, 1, llm._n_ctx, unified=True)
        self._decoder = _core.Decoder(int(self._context.ctx))
        self._done = False
        self._first = self._copy_clean(first)
        self._thread = threading.Thread(target=self._compute, name="cold shower", daemon=True)
        self._thread.start()

    def _copy_clean(self, first: int) -> int:
        """Take over what is clean already; returns the number of positions."""
        if first == 0 or not self._copy(self._llm._ctx.ctx, self._context.ctx):
            return 0
        if not self._context.kv_cache_seq_rm(_SEQUENCE, first, -1):
            self._context.kv_cache_clear()
            return 0
        return first

    @staticmethod
    def _copy(source: llama_cpp.llama_context_p, target: llama_cpp.llama_context_p) -> bool:
        size = llama_cpp.llama_state_seq_get_size(source, _SEQUENCE)
        state = (ctypes.c_uint8 * size)()
        size = llama_cpp.llama_state_seq_get_data(source, state, size, _SEQUENCE)
        return bool(llama_cpp.llama_state_seq_set_data(target, state, size, _SEQUENCE))

    def _compute(self) -> None:
        self._done = self._decoder.evaluate(self._tokens[self._first :], self._first, [_SEQUENCE])

    @property
    def running(self) -> bool:
        """Whether it still computes."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Stop within moments. What was computed is dropped, unless it is complete."""
        self._decoder.interrupt()

    def finish(self) -> bool:
        """Wait for the end; True if it was not cancelled, and the model's cache is the clean one now."""
        self._thread.join()
        try:
            return self._done and self._copy(self._context.ctx, self._llm._ctx.ctx)
        finally:
            self._context.close()
