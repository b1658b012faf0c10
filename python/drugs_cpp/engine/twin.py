"""A sober copy of a sequence, decoded together with the dosed one, so that a cold shower is only a switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.engine.contexts import close_with, open_context
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.settings import ModelSettings

_MAIN, TWIN = 0, 1  # sequences


class SoberTwin:
    """Keeps the second sequence of a session's context as the first one would be if it had never been dosed.

    Both are in one cache: what was computed sober after sober positions belongs to both and is computed once.

    Args:
        settings: of the model.

    Raises:
        StateError: this model, or the way it was loaded, cannot have one.
    """

    sequences = (_MAIN, TWIN)

    def __init__(self, settings: ModelSettings) -> None:
        if settings.logits_all or settings.context_params.embeddings:
            raise StateError(
                "sober_twin=True cannot be combined with logits_all, a draft model or embeddings: leave one out"
            )
        if not settings.decodes_together:
            raise StateError("sober_twin=True: llama.cpp cannot decode two sequences of this architecture together")
        self._settings = settings
        self._shares = not settings.forgets_positions

    def open_context(self) -> LlamaContext:
        """Open a context with room for both."""
        context = open_context(self._settings, 2, self._settings.n_ctx, unified=True)
        close_with(self, context.close)
        return context

    def evaluate(self, decoder: _core.Decoder, tokens: Sequence[int], n_past: int, same: bool) -> None:
        """Evaluate tokens after ``n_past`` others: sober in the twin, and with the context's dose in the sequence.

        Args:
            decoder: of the context.
            tokens: token ids.
            n_past: tokens in the cache.
            same: both get the same positions: the sequence is clean, and has no dose.
        """
        decoder.evaluate(list(tokens), n_past, [TWIN, _MAIN], self._shares and same)

    def switch(self, context: LlamaContext, n_tokens: int) -> None:
        """Replace the sequence by its twin, ``n_tokens`` long."""
        context.kv_cache_seq_rm(TWIN, n_tokens, -1)
        context.kv_cache_seq_rm(_MAIN, 0, -1)
        context.kv_cache_seq_cp(TWIN, _MAIN, -1, -1)

    def catch_up(self, context: LlamaContext, decoder: _core.Decoder, past: Sequence[int], n_clean: int) -> None:
        """Make the twin that a loaded state lacks.

        Args:
            context: the one that the state was loaded into.
            decoder: of the context.
            past: the tokens in the cache.
            n_clean: number of first positions that are clean, which the twin can share.
        """
        if llama_cpp.llama_memory_seq_pos_max(context.memory, TWIN) + 1 == len(past):
            return
        context.kv_cache_seq_rm(TWIN, 0, -1)
        context.kv_cache_seq_cp(_MAIN, TWIN, -1, -1)
        if not context.kv_cache_seq_rm(TWIN, n_clean, -1):
            context.kv_cache_seq_rm(TWIN, 0, -1)
            n_clean = 0
        decoder.evaluate(list(past[n_clean:]), n_clean, [TWIN])
