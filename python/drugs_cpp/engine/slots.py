"""``Slots``: a context in which several sequences continue one prompt, each in a cache of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import llama_cpp
import numpy as np
import numpy.typing as npt

from drugs_cpp import _core
from drugs_cpp.engine.contexts import address_of, close_with, open_context, padded
from drugs_cpp.engine.prefix import common_prefix, repeatable_prefix
from drugs_cpp.errors import CountError

if TYPE_CHECKING:
    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.settings import ModelSettings


_ALL = -1  # sequences of a context


class Slots:
    """Sequences of one context. Those in use are the first ones, because llama.cpp splits a batch that leaves one out.

    Each sequence has a cache of its own, so that neither its neighbours nor their number change how its sums are
    rounded: a seed gives the same text whatever else is decoded. The prompt is computed once and copied.

    Args:
        settings: of the model.
        n_slots: number of sequences.
        n_tokens: of each sequence, prompt included.

    Attributes:
        decoder: the context's.
        user: the object that is decoding here and has not finished; a later one takes over the slots.
        has_memory: the context keeps what was computed. False, as in encoders: each batch is computed independently.
    """

    def __init__(self, settings: ModelSettings, n_slots: int, n_tokens: int) -> None:
        # a cache that cannot go back to where the prompt ended needs a sequence that never leaves it
        self._keeps_prompt = settings.forgets_positions and settings.decodes_together
        self.n_slots = n_slots
        self.n_tokens = padded(n_tokens)
        self._source = n_slots if self._keeps_prompt else 0  # holds the prompt
        self.user: object = None
        self._context = open_context(settings, n_slots + self._keeps_prompt, n_tokens, unified=False)
        self._close = close_with(self, self._context.close)
        self._address = address_of(self._context)
        self.has_memory = bool(llama_cpp.llama_get_memory(self._context.ctx))
        self._n_batch = settings.n_batch
        self._n_vocab = settings.n_vocab
        self.decoder = _core.Decoder(self._address)
        self._doses: dict[int, SequenceDose] = {}
        self._repeatable = False
        self._forget()

    @property
    def address(self) -> int:
        """Address of the llama_context."""
        return self._address

    @property
    def n_batch(self) -> int:
        """Largest batch in tokens."""
        return self._n_batch

    def has_room(self, n_slots: int, n_tokens: int) -> bool:
        """Whether ``n_slots`` sequences of ``n_tokens`` tokens fit."""
        return self.n_slots >= n_slots and self.n_tokens >= n_tokens

    def take(self, user: object) -> None:
        """Give the slots to a user. What an earlier user left when it was interrupted is cleared."""
        if self.user is not None:
            self._recover()
        self.user = user

    def close(self) -> None:
        """Free the memory."""
        self.user = None
        self._close()

    def _forget(self) -> None:
        self._prompt: npt.NDArray[np.intc] = np.zeros(0, dtype=np.intc)  # in the source
        self._n_alone = 0  # how many of its last positions were computed in a batch of their own
        self._logits: npt.NDArray[np.float32] | None = None
        self._holding: set[int] = set()  # slots that begin with it

    def _shorten(self, slot: int, n_tokens: int) -> bool:
        return not self.has_memory or self._context.kv_cache_seq_rm(slot, n_tokens, -1)

    def _copy(self, source: int, slot: int) -> None:
        self._shorten(slot, 0)
        self._context.kv_cache_seq_cp(source, slot, -1, -1)

    #
    # prompt
    #

    def compute_repeatably(self, repeatable: bool) -> None:
        """Set whether each token gets the same bits in any batch; what was computed differently is discarded."""
        if repeatable != self._repeatable:
            _core.set_repeatable(self._address, _ALL, repeatable)
            self._repeatable = repeatable
            self._forget()

    def set_prompt(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Compute a prompt sober, once for all slots, reusing what it shares with the last one.

        Returns:
            Logits of its last token, float32 (n_vocab,).
        """
        prompt = np.asarray(tokens, dtype=np.intc)
        if self._logits is not None and np.array_equal(prompt, self._prompt):
            return self._logits
        self.dose(self._source, None)
        keep = self._n_kept(prompt)
        self._forget()
        if not (keep and not self._keeps_prompt and self._shorten(self._source, keep)):
            self._shorten(self._source, 0)
            keep = 0
        self._logits = self._evaluate_prompt(self._source, prompt.tolist(), keep)
        self._prompt = prompt
        self._n_alone = 2 if (len(prompt) - 1 - keep) % self._n_batch == 1 else 1
        self._holding = {self._source}
        return self._logits

    def _n_kept(self, prompt: npt.NDArray[np.intc]) -> int:
        """Return how many tokens of the last prompt a new one can reuse."""
        if self._repeatable:
            return min(common_prefix(self._prompt, prompt), len(prompt) - 1)
        return repeatable_prefix(self._prompt[: len(self._prompt) - self._n_alone], prompt)

    def _evaluate_prompt(self, slot: int, tokens: list[int], n_past: int) -> npt.NDArray[np.float32]:
        """Evaluate a prompt as a completion does in a dosed run: see :func:`repeatable_prefix`."""
        last = len(tokens) - (not self._repeatable)
        for first, end in ((n_past, last), (last, len(tokens))):
            for start in range(first, end, self._n_batch):
                self.evaluate(slot, tokens[start : min(end, start + self._n_batch)], start)
        return self.decoder.logits()

    def begin(self, slot: int) -> None:
        """Make a slot hold exactly the prompt."""
        if slot in self._holding and not self._keeps_prompt and self._shorten(slot, len(self._prompt)):
            return
        self._copy(self._source, slot)
        if not self._keeps_prompt:
            self._shorten(slot, len(self._prompt))  # the source's own sequence may have grown since
        self._holding.add(slot)

    def begin_alone(
        self, slot: int, tokens: list[int], dose: SequenceDose | None, n_sober: int
    ) -> npt.NDArray[np.float32]:
        """Compute the prompt for this slot alone, dosed after the first ``n_sober`` tokens; returns the last logits."""
        self.empty(slot)
        if n_sober > 0:
            self.dose(slot, None)
            self._evaluate_prompt(slot, tokens[:n_sober], 0)
        if n_sober < len(tokens):
            self.dose(slot, dose)
            self._evaluate_prompt(slot, tokens, n_sober)
        return self.decoder.logits()

    def go_on(self, slot: int, tokens: list[int], n_past: int, dose: SequenceDose | None) -> npt.NDArray[np.float32]:
        """Evaluate the rest of a prompt in a slot that holds its beginning; returns the last logits, (n_vocab,)."""
        self.dose(slot, dose)
        self.evaluate(slot, tokens, n_past)
        return self.decoder.logits()

    def move(self, source: int, slot: int) -> None:
        """Move a sequence to another slot."""
        self._copy(source, slot)
        self._holding = (self._holding | {slot}) if source in self._holding else (self._holding - {slot})

    def evaluate(self, slot: int, tokens: Sequence[int], n_past: int, outputs: bool = False) -> None:
        """Evaluate tokens after ``n_past`` others in one slot; ``outputs``: all are output, not only the last one."""
        self.decoder.evaluate(list(tokens), n_past, [slot], True, outputs)

    def evaluate_each(self, slots: Sequence[int], token: int, n_past: int) -> None:
        """Evaluate a token after ``n_past`` others in each of several slots, in one batch; all are output."""
        self.decoder.evaluate([token], n_past, list(slots), False, True)

    def evaluate_in_each(self, slots: Sequence[int], tokens: Sequence[int], n_past: int) -> npt.NDArray[np.float32]:
        """Evaluate tokens after ``n_past`` others in each of several slots, in one batch.

        Returns:
            All their logits, float32 (n_slots, n_tokens, n_vocab), until the next evaluation.

        Raises:
            CountError: slots times tokens are more than a batch.
        """
        if len(slots) * len(tokens) > self._n_batch:
            raise CountError(f"{len(slots)} x {len(tokens)} tokens are more than a batch of {self._n_batch}")
        self.decoder.evaluate(list(tokens), n_past, list(slots), False, True)
        shape = (len(slots), len(tokens), self._n_vocab)
        return np.ctypeslib.as_array(self._context.get_logits(), shape=shape)

    def empty(self, slot: int) -> None:
        """Empty a slot."""
        self._holding.discard(slot)
        if slot == self._source:
            self._forget()
        self._shorten(slot, 0)

    def compute_again(self, slot: int, tokens: list[int], n_clean: int) -> None:
        """Compute the positions from ``n_clean`` on again, sober; ``tokens`` are those of the whole sequence."""
        self.dose(slot, None)
        left = 0
        if self._keeps_prompt:  # a copy of the prompt does not hold what the sequence would look back on
            self._shorten(slot, 0)
        else:
            left = _core.shorten(self._address, slot, n_clean)
        self.evaluate(slot, tokens[left:], left)

    #
    # doses
    #

    def dose(self, slot: int, dose: SequenceDose | None) -> None:
        """Give a slot a dose, unless it already has that dose; None makes it sober."""
        old = self._doses.get(slot)
        if dose is None:
            if old is not None:
                del self._doses[slot]
                _core.clear_dose(self._address, slot)
        elif old is None or not dose.same_as(old):
            dose.give(self._address, slot)
            self._doses[slot] = dose

    def _recover(self) -> None:
        """Clear the cache and the doses, because their state is unknown."""
        for slot in list(self._doses):
            self.dose(slot, None)
        _core.trace_end(self._address)
        if self.has_memory:
            self._context.kv_cache_clear()
        self._forget()
