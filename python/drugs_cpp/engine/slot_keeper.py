"""``SlotKeeper``: the slots in which a model's variations are decoded, created and enlarged as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp.engine.contexts import n_sequences_that_fit
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.engine.slots import Slots
from drugs_cpp.errors import MemoryLimitError, OptionError

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.settings import ModelSettings


class SlotKeeper:
    """Keeps slots from one call to the next, so that a prompt need not be computed again.

    Args:
        settings: of the model.
        context: the model's own; the memory needed is judged by its size.

    Attributes:
        slots: the existing ones, or None.
    """

    def __init__(self, settings: ModelSettings, context: LlamaContext) -> None:
        self._settings = settings
        self._context = context
        self.slots: Slots | None = None

    def count(self, wanted: int, n_tokens: int, at_least: int) -> int:
        """Return how many sequences of ``n_tokens`` can be decoded at a time: ``wanted``, or as many as fit in memory.

        Raises:
            OptionError: the model is only a vocabulary.
            MemoryLimitError: fewer than ``at_least``.
        """
        if llama_cpp.llama_model_n_embd(self._settings.model.model) == 0:
            raise OptionError("the model was loaded with vocab_only=True and computes nothing: load it without that")
        if self.slots is not None and self.slots.has_room(wanted, n_tokens):
            return wanted
        fit = n_sequences_that_fit(self._context, n_tokens)
        if fit < at_least:
            raise MemoryLimitError(
                f"{at_least} sequences of {n_tokens} tokens do not fit into memory, {fit} would: "
                "ask for a smaller max_tokens or n_parallel"
            )
        return min(wanted, fit)

    def open(self, n_slots: int, n_tokens: int) -> Slots:
        """Return the existing slots, or new ones if these are too few or too small."""
        if self.slots is None or not self.slots.has_room(n_slots, n_tokens):
            self.close()
            with interrupt_later():  # so that what is opened has an owner before Ctrl-C takes effect
                self.slots = Slots(self._settings, n_slots, n_tokens)
        return self.slots

    def close(self) -> None:
        """Free the memory of the slots."""
        slots, self.slots = self.slots, None
        if slots is not None:
            slots.close()
