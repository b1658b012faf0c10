"""The cache of a session: the positions of its sequence, and of its twin if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp import _core
from drugs_cpp.engine.contexts import address_of

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext


class Cache:
    """Keeps the sequences of a context equally long.

    Args:
        context: whose cache it is.
        sequences: their numbers in it.
    """

    def __init__(self, context: LlamaContext, sequences: Sequence[int]) -> None:
        self._context = context
        self._sequences = sequences

    @property
    def n_positions(self) -> int:
        """Number of positions that every sequence has in the cache."""
        memory = self._context.memory
        return 1 + min(int(llama_cpp.llama_memory_seq_pos_max(memory, sequence)) for sequence in self._sequences)

    def shorten(self, n_tokens: int) -> int:
        """Keep the first ``n_tokens`` positions, or none if the cache cannot go back there; returns how many remain."""
        address = address_of(self._context)
        left = min(_core.shorten(address, sequence, n_tokens) for sequence in self._sequences)
        if left < n_tokens:
            for sequence in self._sequences:
                _core.shorten(address, sequence, 0)
        return left

    def remove_after(self, n_tokens: int) -> None:
        """Remove everything after the first ``n_tokens`` positions."""
        for sequence in self._sequences:
            self._context.kv_cache_seq_rm(sequence, n_tokens, -1)
