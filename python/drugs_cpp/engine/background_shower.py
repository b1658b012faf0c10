"""A cold shower in the background, while the caller waits for something else."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.engine.contexts import address_of, open_context

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.settings import ModelSettings

_SEQUENCE = 0


class BackgroundShower:
    """Computes tokens again, sober, in a context of its own; the one that they come from stays as it is meanwhile.

    Args:
        settings: of the model.
        source: a context whose first sequence holds the tokens.
        tokens: all of them.
        first: the first dirty one.
    """

    def __init__(self, settings: ModelSettings, source: LlamaContext, tokens: Sequence[int], first: int) -> None:
        self._context = open_context(settings, 1, settings.n_ctx, unified=True)
        self._decoder = _core.Decoder(address_of(self._context))
        self._done = False
        self._first = self._copy_clean(source, first)
        self._tokens = list(tokens)
        self._thread = threading.Thread(target=self._compute, name="cold shower", daemon=True)
        self._thread.start()

    def _copy_clean(self, source: LlamaContext, first: int) -> int:
        """Take over what is clean already; returns the number of positions."""
        if first == 0 or not _copy(source, self._context):
            return 0
        return _core.shorten(address_of(self._context), _SEQUENCE, first)

    def _compute(self) -> None:
        self._done = self._decoder.evaluate(self._tokens[self._first :], self._first, [_SEQUENCE])

    @property
    def is_done(self) -> bool:
        """Whether all is computed."""
        return self._done and not self._thread.is_alive()

    def cancel(self) -> None:
        """Stop within moments. What was computed is dropped, unless it is complete."""
        self._decoder.interrupt()

    def finish(self, target: LlamaContext) -> bool:
        """Wait for the end; True if it was not cancelled, and the first sequence of ``target`` is the clean one now."""
        self._thread.join()
        try:
            return self._done and _copy(self._context, target)
        finally:
            self._context.close()


def _copy(source: LlamaContext, target: LlamaContext) -> bool:
    size = llama_cpp.llama_state_seq_get_size(source.ctx, _SEQUENCE)
    state = (ctypes.c_uint8 * size)()
    size = llama_cpp.llama_state_seq_get_data(source.ctx, state, size, _SEQUENCE)
    return bool(llama_cpp.llama_state_seq_set_data(target.ctx, state, size, _SEQUENCE))
