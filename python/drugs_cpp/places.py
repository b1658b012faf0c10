"""Places: a context in which several sequences go on from one prompt, each in a cache of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drugs_cpp import _core
from drugs_cpp.contexts import decodes_together, forgets_positions, open_context, padded
from drugs_cpp.prefix import repeatable_prefix

if TYPE_CHECKING:
    from drugs_cpp.dosage import Dosage
    from drugs_cpp.evaluation import DosedEval



class Places:
    """Sequences of one context. Those in use are the first ones, for llama.cpp splits a batch that leaves one out.

    Each sequence has a cache of its own, so that neither its neighbours nor their number change how its sums are
    rounded: a seed gives the same text in any company. The prompt is computed once and copied.

    Args:
        llm: whose model and settings to take.
        n_places: sequences at a time.
        n_tokens: of each sequence, prompt included.
    """

    def __init__(self, llm: DosedEval, n_places: int, n_tokens: int) -> None:
        # a cache that cannot go back to where the prompt ended needs a sequence that never leaves it
        self._keeps_prompt = forgets_positions(llm) and decodes_together(llm)
        self.n_places = n_places
        self.n_tokens = padded(n_tokens)
        self._source = n_places if self._keeps_prompt else 0  # holds the prompt
        self.user: object = None  # who decodes here; a later one takes the places over
        self._context = open_context(llm, n_places + self._keeps_prompt, n_tokens, unified=False)
        self._n_batch = int(llm.n_batch)
        self.decoder = _core.Decoder(int(self._context.ctx))
        self._doses: dict[int, tuple[Dosage, int, int]] = {}
        self._forget()

    def close(self) -> None:
        """Free the memory."""
        self.user = None
        self._context.close()

    def _forget(self) -> None:
        self._prompt: npt.NDArray[np.intc] = np.zeros(0, dtype=np.intc)  # in the source
        self._n_single = 0  # the last positions of it, computed in a batch of their own
        self._logits: npt.NDArray[np.float32] | None = None
        self._holding: set[int] = set()  # places that begin with it

    def _shorten(self, place: int, n_tokens: int) -> bool:
        return self._context.kv_cache_seq_rm(place, n_tokens, -1)

    def _copy(self, source: int, place: int) -> None:
        self._shorten(place, 0)
        self._context.kv_cache_seq_cp(source, place, -1, -1)

    #
    # prompt
    #

    def set_prompt(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Compute a prompt sober, once for all places, using what is there of the last one.

        Returns:
            Logits of its last token, float32 (n_vocab,).
        """
        prompt = np.asarray(tokens, dtype=np.intc)
        if self._logits is not None and np.array_equal(prompt, self._prompt):
            return self._logits
        self.sober(self._source)
        keep = repeatable_prefix(self._prompt[: len(self._prompt) - self._n_single], prompt)
        self._forget()
        if not (keep and not self._keeps_prompt and self._shorten(self._source, keep)):
            self._shorten(self._source, 0)
            keep = 0
        self._logits = self._evaluate_last_alone(self._source, prompt.tolist(), keep)
        self._prompt = prompt
        self._n_single = 2 if (len(prompt) - 1 - keep) % self._n_batch == 1 else 1
        self._holding = {self._source}
        return self._logits

    def _evaluate_last_alone(self, place: int, tokens: list[int], n_past: int) -> npt.NDArray[np.float32]:
        """As a completion evaluates the prompt of a dosed run: see :func:`repeatable_prefix`."""
        for first, end in ((n_past, len(tokens) - 1), (len(tokens) - 1, len(tokens))):
            for start in range(first, end, self._n_batch):
                self.evaluate(place, tokens[start : min(end, start + self._n_batch)], start)
        return self.decoder.logits()

    def begin(self, place: int) -> None:
        """Let a place hold the prompt and nothing else."""
        if place in self._holding and not self._keeps_prompt and self._shorten(place, len(self._prompt)):
            return
        self._copy(self._source, place)
        if not self._keeps_prompt:
            self._shorten(place, len(self._prompt))  # a sequence may have gone on in the source since
        self._holding.add(place)

    def begin_alone(self, place: int, tokens: list[int]) -> npt.NDArray[np.float32]:
        """Compute the prompt for this place alone, under its dose if it has one; returns the last logits."""
        self._holding.discard(place)
        if place == self._source:
            self._forget()
        self._shorten(place, 0)
        return self._evaluate_last_alone(place, tokens, 0)

    def move(self, source: int, place: int) -> None:
        """Let a sequence go on in another place."""
        self._copy(source, place)
        self._holding = (self._holding | {place}) if source in self._holding else (self._holding - {place})

    def evaluate(self, place: int, tokens: Sequence[int], n_past: int) -> None:
        """Evaluate tokens behind ``n_past`` others in one place."""
        self.decoder.evaluate(list(tokens), n_past, [place])

    def compute_again(self, place: int, tokens: list[int], n_clean: int) -> None:
        """Compute the positions from ``n_clean`` on again, sober; ``tokens`` are those of the whole sequence."""
        self.sober(place)
        if self._keeps_prompt or not self._shorten(place, n_clean):
            self._shorten(place, 0)
            n_clean = 0
        self.evaluate(place, tokens[n_clean:], n_clean)

    #
    # doses
    #

    def dose(self, place: int, dosage: Dosage, table: npt.NDArray[np.float32], seed: int, sink: int) -> None:
        """Give a place a dose, unless it has that one."""
        if self._doses.get(place) != (dosage, seed, sink):
            _core.set_dose(int(self._context.ctx), place, table, seed, sink, dosage.noise)
            self._doses[place] = (dosage, seed, sink)

    def sober(self, place: int) -> None:
        """Take a place's dose away."""
        if self._doses.pop(place, None) is not None:
            _core.clear_dose(int(self._context.ctx), place)

    def recover(self) -> None:
        """After an exception in the midst of something: nothing is known to be in the cache."""
        for place in list(self._doses):
            self.sober(place)
        self._context.kv_cache_clear()
        self._forget()
