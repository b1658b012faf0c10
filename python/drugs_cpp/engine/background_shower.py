"""A cold shower in the background, while the caller does something else."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.engine.contexts import address_of, close_with, open_context
from drugs_cpp.engine.signals import interrupt_later

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.settings import ModelSettings

_SEQUENCE = 0


class BackgroundShower:
    """Computes tokens again, sober, in a context of its own. The source context does not change in the meantime.

    Args:
        settings: of the model.
        source: a context whose first sequence holds the tokens.
        tokens: all tokens of that sequence.
        first: the first dirty position.
        repeatable: each token gets the same bits in any batch.

    Raises:
        MemoryLimitError: there is not enough memory for the context, or no thread. Everything is cleaned up.
    """

    def __init__(
        self, settings: ModelSettings, source: LlamaContext, tokens: Sequence[int], first: int, repeatable: bool
    ) -> None:
        with interrupt_later(), contextlib.ExitStack() as undo:
            self._context = open_context(settings, 1, settings.n_ctx, unified=True)
            undo.callback(self._context.close)
            _core.set_repeatable(address_of(self._context), _SEQUENCE, repeatable)
            n_clean = self._copy_clean(source, first)
            left = list(tokens[n_clean:])
            self._evaluation = _core.BackgroundEvaluation(address_of(self._context), left, n_clean, _SEQUENCE)
            undo.callback(self._evaluation.stop)
            # also when this object is garbage collected or the interpreter exits: first the thread, then the context
            self._drop = close_with(self, undo.pop_all().close)

    def _copy_clean(self, source: LlamaContext, first: int) -> int:
        """Copy the positions that are already clean; returns their number."""
        if first == 0 or not _copy(source, self._context):
            return 0
        return _core.shorten(address_of(self._context), _SEQUENCE, first)

    @property
    def is_done(self) -> bool:
        """Whether everything is computed."""
        return self._evaluation.is_complete

    def wait(self) -> None:
        """Wait for the end; exceptions of signal handlers pass through."""
        self._evaluation.wait()

    def cancel(self) -> None:
        """Stop as soon as possible, and wait for that. The result is dropped unless it is complete."""
        self._evaluation.stop()

    def copy_to(self, target: LlamaContext) -> bool:
        """Replace the first sequence of a context by the clean one; returns False if llama.cpp could not."""
        return _copy(self._context, target)

    def drop(self) -> None:
        """Stop, and free the memory. Further calls do nothing."""
        self._drop()


def _copy(source: LlamaContext, target: LlamaContext) -> bool:
    size = llama_cpp.llama_state_seq_get_size(source.ctx, _SEQUENCE)
    state = (ctypes.c_uint8 * size)()
    size = llama_cpp.llama_state_seq_get_data(source.ctx, state, size, _SEQUENCE)
    return bool(llama_cpp.llama_state_seq_set_data(target.ctx, state, size, _SEQUENCE))
