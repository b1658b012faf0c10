"""``Session``: one context and the sequence in it: its tokens, which of them are dirty, and how it gets clean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.engine.background_shower import BackgroundShower
from drugs_cpp.engine.contexts import address_of
from drugs_cpp.engine.exclusive import Exclusive
from drugs_cpp.engine.position_flags import PositionFlags
from drugs_cpp.errors import ContextOverflowError, StateError, TokenError

if TYPE_CHECKING:
    import numpy.typing as npt
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.every_logit import EveryLogit
    from drugs_cpp.engine.settings import ModelSettings
    from drugs_cpp.engine.twin import SoberTwin

MAIN = 0  # the sequence that llama-cpp-python decodes


class Session:
    """A sequence that grows token by token.

    The context has a dose only while dosed tokens are evaluated, so whatever else decodes in it is sober.

    Args:
        settings: of the model.
        context: used by nobody else; whoever made it frees it.
        twin: keeps a sober copy of the sequence in the same context; None: there is none.
        every_logit: evaluates where the logits of all tokens are kept; None: those of the last one are.

    Attributes:
        decoder: the context's.
        tokens: int32 (n_ctx,); the first ``n_tokens`` are those in the cache.
        n_tokens: length of the sequence.
        has_logits: the last token's logits are there and are those of the cache as it is.
        is_stale: they are those from before a shower that did not compute the last token again.
        pending: a token that was chosen and is to be fed back before anything else, or None.
        ledger: which positions are dirty.
        computed_alone: positions that were computed in a batch of their own, which rounds in its own way.
        exclusive: keeps other threads out.
    """

    def __init__(
        self,
        settings: ModelSettings,
        context: LlamaContext,
        twin: SoberTwin | None = None,
        every_logit: EveryLogit | None = None,
    ) -> None:
        self.settings = settings
        self.context = context
        self.twin = twin
        self.decoder = _core.Decoder(address_of(context))
        self.tokens: npt.NDArray[np.intc] = np.zeros(settings.n_ctx, dtype=np.intc)
        self.n_tokens = 0
        self.has_logits = False
        self.is_stale = False
        self.pending: int | None = None
        self.ledger = _core.ShowerLedger()
        self.computed_alone = PositionFlags(settings.n_ctx)
        self.exclusive = Exclusive()
        self._every_logit = every_logit
        self._background: BackgroundShower | None = None

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """For ``with``: no other thread may use the session, and a shower in the background has ended.

        Raises:
            BusyError: another thread is using it.
        """
        with self.exclusive:
            self.end_background_shower()
            yield

    @property
    def address(self) -> int:
        """Address of the llama_context."""
        return address_of(self.context)

    @property
    def past(self) -> list[int]:
        """The tokens in the cache."""
        return self.tokens[: self.n_tokens].tolist()  # type: ignore[no-any-return]

    #
    # checks
    #

    def check_open(self) -> None:
        """Raise a StateError if the context was freed."""
        if self.context.ctx is None:
            raise StateError("the model was closed: make a new Llama")

    def check_fit(self, n_new: int, n_past: int) -> None:
        """Raise a ContextOverflowError if ``n_new`` tokens have no room after ``n_past`` others."""
        n_ctx = self.settings.n_ctx
        if n_past + n_new > n_ctx:
            raise ContextOverflowError(
                f"{n_new} tokens do not fit after {n_past} in a context of {n_ctx}: "
                f"shorten the text, call reset(), or load the model with n_ctx={n_past + n_new} or more"
            )

    def check_vocabulary(self, tokens: Sequence[int]) -> None:
        """Raise a TokenError for the first token that is not in the vocabulary."""
        n_vocab = self.settings.n_vocab
        if tokens and (min(tokens) < 0 or max(tokens) >= n_vocab):
            wrong = next(t for t in tokens if not 0 <= t < n_vocab)
            raise TokenError(f"token {wrong} is not in this model's vocabulary: ids go from 0 to {n_vocab - 1}")

    #
    # evaluating
    #

    def evaluate(self, tokens: Sequence[int], dose: SequenceDose | None = None, last_alone: bool = False) -> None:
        """Evaluate tokens after those in the cache.

        Args:
            tokens: token ids that fit and are in the vocabulary.
            dose: what they are computed under; None: sober.
            last_alone: the last one gets a batch of its own, as it would if the others were in the cache already.

        Raises:
            DecodeError: llama.cpp refused. The cache is as before, with what comes before a last token that gets a
                batch of its own, or empty where it cannot go back.
            KeyboardInterrupt: likewise.
        """
        if not tokens:
            return
        n_first = len(tokens) - 1 if last_alone and len(tokens) > 1 else len(tokens)
        if dose is not None:
            dose.give(self.address, MAIN)
        try:
            self._evaluate(tokens[:n_first], dose)
            if n_first < len(tokens):
                self._evaluate(tokens[n_first:], dose)
        finally:
            if dose is not None:
                _core.clear_dose(self.address, MAIN)

    def _evaluate(self, tokens: Sequence[int], dose: SequenceDose | None) -> None:
        start, end = self.n_tokens, self.n_tokens + len(tokens)
        try:
            self._decode(tokens, dose is not None)
        except BaseException:
            self.shorten(start)
            if self.n_tokens < start:
                self.pending = None
            raise
        self.ledger.computed(start, end, dose is not None, 0 if dose is None else dose.sink)
        self._note(tokens, alone=False)
        if len(tokens) % self.settings.n_batch == 1:
            self.computed_alone.mark(end - 1, end, True)

    def _decode(self, tokens: Sequence[int], dosed: bool) -> None:
        self.remove_leftovers()
        if self.twin is not None:
            self.twin.evaluate(self.decoder, tokens, self.n_tokens, same=not dosed and self.ledger.n_dirty == 0)
        elif self._every_logit is not None:
            self._every_logit.evaluate(self.context, tokens, self.n_tokens)
        else:
            self.decoder.evaluate(list(tokens), self.n_tokens, [MAIN])

    def take_over(self, tokens: Sequence[int]) -> None:
        """Note that the decoder has put tokens into the cache, one by one; the ledger has them already."""
        if tokens:
            self._note(tokens, alone=True)

    def _note(self, tokens: Sequence[int], alone: bool) -> None:
        start, end = self.n_tokens, self.n_tokens + len(tokens)
        self.tokens[start:end] = tokens
        self.computed_alone.mark(start, end, alone)
        self.n_tokens = end
        self.has_logits = True
        self.is_stale = False

    def remove_leftovers(self) -> None:
        """Take from the cache what lies after the sequence's end."""
        for sequence in self._sequences:
            self.context.kv_cache_seq_rm(sequence, self.n_tokens, -1)

    @property
    def _sequences(self) -> tuple[int, ...]:
        return (MAIN,) if self.twin is None else self.twin.sequences

    #
    # shortening
    #

    def clear(self) -> None:
        """Empty the cache."""
        self.shorten(0)
        self.pending = None

    def shorten(self, n_tokens: int) -> None:
        """Keep the first ``n_tokens`` positions, or none where the cache cannot go back there."""
        sequences = self._sequences
        left = min(_core.shorten(self.address, sequence, n_tokens) for sequence in sequences)
        if left < n_tokens:
            for sequence in sequences:
                _core.shorten(self.address, sequence, 0)
        self.n_tokens = left
        self.ledger.cut(left)
        self.has_logits = False
        self.is_stale = False

    def set_length(self, n_tokens: int) -> None:
        """Say how many tokens the sequence has; those in the cache after them are leftovers."""
        self.computed_alone.mark(self.n_tokens, n_tokens, False)
        if n_tokens < self.n_tokens:
            self.has_logits = self.is_stale = False
        self.n_tokens = n_tokens
        self.ledger.cut(n_tokens)

    def compute_again(self, first: int, end: int | None = None) -> int:
        """Let the sequence end at ``end`` (None: where it ends), computed again, sober, from ``first`` on or earlier.

        Returns:
            Number of tokens that were computed.
        """
        kept = self.past[:end]
        self.shorten(first)
        again = kept[self.n_tokens :]
        try:
            self.evaluate(again)
        except BaseException:
            self.pending = None  # it came after what is gone now
            raise
        return len(again)

    def refresh_logits(self) -> None:
        """After a shower that left old logits: evaluate the last token again."""
        if self.is_stale:
            self.compute_again(self.n_tokens - 1)

    #
    # showers
    #

    @property
    def n_dirty(self) -> int:
        """Number of positions that are dirty; a shower in the background that is through has cleaned them."""
        background = self._background  # another thread may take it away
        return 0 if background is not None and background.is_done else self.ledger.n_dirty

    def shower_if_due(self, interval: int) -> None:
        """Take a cold shower if so many positions are dirty."""
        if self.ledger.is_due(interval):
            self.shower()

    def shower(self) -> int:
        """Make the sequence clean: by computing it again from the first dirty position on, or by switching to the twin.

        Returns:
            Number of positions after the first dirty one.
        """
        first = self.ledger.first_dirty
        if first is None:
            return 0
        if self.twin is None:
            return self.compute_again(first)
        self.twin.switch(self.context, self.n_tokens)
        self._note_clean()
        return self.n_tokens - first

    def shower_in_background(self) -> int:
        """Begin to compute the sequence again in another context; :meth:`use` takes the result over or drops it.

        Returns:
            Number of positions after the first dirty one.
        """
        first = self.ledger.first_dirty
        if first is None or self.twin is not None:
            return self.shower()
        self._background = BackgroundShower(self.settings, self.context, self.past, first)
        return self.n_tokens - first

    def end_background_shower(self) -> None:
        """Take over what a shower in the background has computed, or drop it if that is not complete."""
        if self._background is not None:
            self._background.cancel()
            self.wait_for_background_shower()

    def wait_for_background_shower(self) -> None:
        """Let it be completed, and take it over."""
        background, self._background = self._background, None
        if background is not None and background.finish(self.context):
            self._note_clean()

    def catch_up_twin(self) -> None:
        """After a state without a twin was loaded: make the twin of what is in the cache."""
        if self.twin is not None:
            first = self.ledger.first_dirty
            self.twin.catch_up(self.context, self.decoder, self.past, self.n_tokens if first is None else first)

    def _note_clean(self) -> None:
        """The cache is clean now, and the logits are still the old ones."""
        self.ledger.clear()
        self.has_logits = False
        self.is_stale = True
