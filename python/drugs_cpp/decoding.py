"""Continuing the sequence in C++: one call for as many tokens as nobody has to hear of one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.errors import StateError
from drugs_cpp.evaluation import DosedEval
from drugs_cpp.exclusive import exclusive
from drugs_cpp.prefix import common_prefix
from drugs_cpp.sampling import address
from drugs_cpp.twin import MAIN, TWIN

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler


@dataclass
class Continuation:
    """A sequence that goes on from where the model's cache ended.

    Attributes:
        sequence: its new tokens and their text.
        n_begin: tokens that the cache held before them.
        sampler: what chooses them; kept, for the sequence has only its address.
    """

    sequence: _core.Sequence
    n_begin: int
    sampler: LlamaSampler | None


class DosedDecoding(DosedEval):
    """What continues the sequence without Python between two tokens."""

    def _feed_prompt(self, tokens: Sequence[int]) -> None:
        """Bring the cache to these tokens, using what it holds in the way that upstream's generate() does."""
        prompt = np.asarray(tokens, dtype=np.intc)
        shared = common_prefix(self.input_ids[: self.n_tokens], prompt)
        if shared == len(prompt) == self.n_tokens and not self._requires_eval:
            return
        keep = min(shared, len(prompt) - 1)
        if keep > 0:
            self._rewind(keep)
            keep = self.n_tokens
        if keep == 0:
            self.reset()
        self._feed(tokens[keep:])

    def _feed(self, tokens: Sequence[int]) -> None:
        self._last_alone = not self.drugs.is_sober
        try:
            self.eval(tokens)
        finally:
            self._last_alone = False

    @exclusive
    def _begin_sequence(
        self, n_max: int, sampler: LlamaSampler | None, stop: Sequence[bytes] = (), stop_tokens: Sequence[int] = ()
    ) -> Continuation:
        """Choose a first token from the logits as they are."""
        if self._stale:
            self._refresh_logits()
        sequence = _core.Sequence(
            MAIN,
            self.n_tokens,
            n_max,
            stop=list(stop),
            stop_tokens=list(stop_tokens),
            sampler=address(sampler),
            twin=-1 if self._twin is None else TWIN,
        )
        self._decoder.choose(sequence, self._decoder.logits())
        return Continuation(sequence, self.n_tokens, sampler)

    @exclusive
    def _continue(self, run: Continuation, text: bool = False, n_steps: int | None = None) -> None:
        """Feed the last token back and choose the next one, again and again.

        Ends when the sequence has ended, when ``text`` is wanted and there is some, or after ``n_steps`` tokens. A
        shower on the way is taken, and a dose that another thread changes holds from the next token on.

        Raises:
            StateError: something else was done with the model since the last call.
            KeyboardInterrupt: Ctrl-C, within a token; the tokens so far are kept.
        """
        self._check_open()
        sequence = run.sequence
        left = np.inf if n_steps is None else n_steps
        while sequence.end is None and left > 0:
            if sequence.n_past != self.n_tokens:
                raise StateError("another call has changed the model's cache since this text began: begin it again")
            n_past = sequence.n_past
            self.cold_shower(force_clean=False)
            self._run_for(run, left, text)
            left -= sequence.n_past - n_past
            if text and sequence.n_past > n_past and sequence.has_text:
                break

    def _run_for(self, run: Continuation, n_steps: float, text: bool) -> None:
        """Until something changes: the doses, or that a shower is due."""
        changes = self.drugs.changes
        unchanged = [(changes, changes.value)]  # before the doses are looked at
        dosed = self._dose_context()
        until_shower = self._sobering_rate - self.dirty_count if dosed else self._n_ctx
        self._ctx.kv_cache_seq_rm(MAIN, self.n_tokens, -1)
        if self._twin is not None:
            self._ctx.kv_cache_seq_rm(TWIN, self.n_tokens, -1)
        try:
            self._decoder.run([run.sequence], int(min(n_steps, until_shower)), unchanged, text)
        finally:
            if dosed:
                _core.clear_dose(int(self._ctx.ctx), MAIN)
            self._take_over_tokens(run, dosed)

    def _take_over_tokens(self, run: Continuation, dosed: bool) -> None:
        """Note what the decoder has put into the cache."""
        start, end = self.n_tokens, run.sequence.n_past
        self.input_ids[start:end] = run.sequence.tokens[start - run.n_begin : end - run.n_begin]
        self.n_tokens = end
        self._dirty.mark(start, end, False)
        self._dirty.mark(max(start, self.sink), end, dosed)
        self._single.mark(start, end, True)
        if end > start:
            self._requires_eval = False
            self._stale = False
