"""A sober copy of the sequence, decoded beside the dosed one, so that a cold shower is only a switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp.contexts import decodes_together, forgets_positions, open_context
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from drugs_cpp.evaluation import DosedEval

MAIN, TWIN = 0, 1  # sequences; upstream knows only the first


class SoberTwin:
    """Keeps the second sequence of a model's context as the first one would be, had it never been dosed.

    Both are in one cache: what was computed sober behind sober positions belongs to both and is computed once.
    """

    def __init__(self, llm: DosedEval) -> None:
        if llm._logits_all or llm.context_params.embeddings:
            raise StateError("sober_twin=True does not go with logits_all, a draft model or embeddings: leave one out")
        if not decodes_together(llm):
            raise StateError("sober_twin=True: llama.cpp cannot decode two sequences of this architecture together")
        llm._ctx.close()
        llm._ctx = open_context(llm, 2, llm._n_ctx, unified=True)
        self._shares = not forgets_positions(llm)

    # the model is an argument, for an attribute would keep it alive after its last user is gone

    def evaluate(self, llm: DosedEval, tokens: Sequence[int], dosed: bool) -> None:
        """Evaluate tokens behind those in the cache: sober in the twin, and with the context's dose in the sequence."""
        for sequence in (MAIN, TWIN):
            llm._ctx.kv_cache_seq_rm(sequence, llm.n_tokens, -1)
        shared = self._shares and not dosed and llm.dirty_count == 0
        llm._decoder.evaluate(list(tokens), llm.n_tokens, [TWIN, MAIN], shared)
        llm.input_ids[llm.n_tokens : llm.n_tokens + len(tokens)] = tokens
        llm.n_tokens += len(tokens)
        llm._requires_eval = False

    def switch(self, llm: DosedEval) -> None:
        """Let the sequence be what its twin is."""
        llm._ctx.kv_cache_seq_rm(TWIN, llm.n_tokens, -1)
        llm._ctx.kv_cache_seq_rm(MAIN, 0, -1)
        llm._ctx.kv_cache_seq_cp(TWIN, MAIN, -1, -1)

    def catch_up(self, llm: DosedEval, n_clean: int) -> None:
        """Make the twin that a loaded state lacks: its first ``n_clean`` positions are the sequence's own."""
        memory = llm._ctx.memory
        if llama_cpp.llama_memory_seq_pos_max(memory, TWIN) + 1 == llm.n_tokens:
            return
        llm._ctx.kv_cache_seq_rm(TWIN, 0, -1)
        llm._ctx.kv_cache_seq_cp(MAIN, TWIN, -1, -1)
        if not llm._ctx.kv_cache_seq_rm(TWIN, n_clean, -1):
            llm._ctx.kv_cache_seq_rm(TWIN, 0, -1)
            n_clean = 0
        llm._decoder.evaluate(llm.input_ids[n_clean : llm.n_tokens].tolist(), n_clean, [TWIN])
