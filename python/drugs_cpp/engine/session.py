"""``Session``: one context and the sequence in it: its tokens, which of them are dirty, and how they are cleaned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.engine.background_shower import BackgroundShower
from drugs_cpp.engine.cache import Cache
from drugs_cpp.engine.closed import refuse_closed
from drugs_cpp.engine.contexts import address_of
from drugs_cpp.engine.exclusive import Exclusive
from drugs_cpp.engine.position_flags import Computed, PositionFlags
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.errors import ContextOverflowError, TokenError

if TYPE_CHECKING:
    import numpy.typing as npt
    from llama_cpp._internals import LlamaContext

    from drugs_cpp.engine.dosing import Dosing, SequenceDose
    from drugs_cpp.engine.every_logit import EveryLogit
    from drugs_cpp.engine.settings import ModelSettings
    from drugs_cpp.engine.twin import SoberTwin

MAIN = 0  # the sequence that llama-cpp-python decodes


class Session:
    """A sequence that grows token by token.

    The context has a dose only while dosed tokens are evaluated, so anything else that is decoded in it is sober.

    No token is lost: if a computation is interrupted and the cache cannot be restored, the last positions are missing
    in it. They are dirty until they are computed again, sober, before anything else.

    Args:
        settings: of the model.
        context: used by nothing else; its creator frees it.
        dosing: what the user has set.
        twin: keeps a sober copy of the sequence in the same context; None: there is none.
        every_logit: evaluates if the logits of all tokens are kept; None: only the last token's logits are kept.

    Attributes:
        decoder: the context's.
        tokens: int32 (n_ctx,); the first ``n_tokens`` are those in the cache.
        n_tokens: length of the sequence; n_before: of what came before the last answer.
        version: changes whenever the tokens change, so that a text in progress notices changes by other calls.
        has_logits: there are logits of the last token, and they match the current cache.
        is_stale: the logits are from before a shower that did not compute the last token again.
        pending: a token that was chosen and has to be fed back before anything else, or None.
        ledger: which positions are dirty.
        computed: how each position was computed.
        exclusive: keeps other threads out.
    """

    def __init__(
        self,
        settings: ModelSettings,
        context: LlamaContext,
        dosing: Dosing,
        twin: SoberTwin | None = None,
        every_logit: EveryLogit | None = None,
    ) -> None:
        self.settings = settings
        self.context = context
        self.dosing = dosing
        self.twin = twin
        self.decoder = _core.Decoder(address_of(context))
        self.cache = Cache(context, (MAIN,) if twin is None else twin.sequences)
        self.tokens: npt.NDArray[np.intc] = np.zeros(settings.n_ctx, dtype=np.intc)
        self.n_tokens = self.n_before = 0
        self.version = 0
        self.has_logits = False
        self.is_stale = False
        self.pending: int | None = None
        self.ledger = _core.ShowerLedger()
        self.computed = PositionFlags(settings.n_ctx)
        self.exclusive = Exclusive()
        self._every_logit = every_logit
        self._background: BackgroundShower | None = None
        self._first_missing: int | None = None  # from here on, positions are missing in the cache; None: it is complete

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """For ``with``: no other thread can use the session, and a background shower has ended.

        Raises:
            BusyError: another thread is using it.
            StateError: it was closed.
        """
        with self.exclusive:
            self.check_open()
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

    @property
    def can_choose(self) -> bool:
        """Whether there are logits to choose the next token from, or :meth:`refresh_logits` can compute them."""
        return self.n_tokens > 0 and (self.has_logits or self.is_stale or self._first_missing is not None)

    #
    # checks
    #

    def check_open(self) -> None:
        """Raise a StateError if the context was freed."""
        if self.context.ctx is None:
            refuse_closed()

    def check_fit(self, n_new: int, n_past: int) -> None:
        """Raise a ContextOverflowError if ``n_new`` tokens do not fit after ``n_past`` others."""
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
            dose: the dose that they are computed under; None: sober.
            last_alone: the last one gets a batch of its own, as it would if the others were already in the cache.

        Raises:
            DecodeError: llama.cpp failed. The sequence is as before, or, with ``last_alone``, may also have the tokens
                before the last one.
            KeyboardInterrupt: the same holds.
        """
        if not tokens:
            return
        self.complete()
        n_first = len(tokens) - 1 if last_alone and len(tokens) > 1 else len(tokens)
        try:
            if dose is not None:
                dose.give(self.address, MAIN)
            self._evaluate(tokens[:n_first], dose)
            if n_first < len(tokens):
                self._evaluate(tokens[n_first:], dose)
        finally:
            if dose is not None:
                _core.clear_dose(self.address, MAIN)

    def _evaluate(self, tokens: Sequence[int], dose: SequenceDose | None) -> None:
        start, end = self.n_tokens, self.n_tokens + len(tokens)
        try:
            repeatable = self.compute_as_set()
            self._decode(tokens, dose is not None)
            self.ledger.computed(start, end, dose is not None, 0 if dose is None else dose.sink)
            self._note(tokens, Computed.REPEATABLY if repeatable else Computed.TOGETHER)
            if len(tokens) % self.settings.n_batch == 1 and not repeatable:
                self.computed.mark(end - 1, end, Computed.ALONE)
        except BaseException:
            self._keep(start, start)
            raise

    def _decode(self, tokens: Sequence[int], dosed: bool) -> None:
        self.remove_leftovers()
        if self.twin is not None:
            self.twin.evaluate(self.decoder, tokens, self.n_tokens, same=not dosed and self.ledger.n_dirty == 0)
        elif self._every_logit is not None:
            self._every_logit.evaluate(self.context, self.decoder, tokens, self.n_tokens)
        else:
            self.decoder.evaluate(list(tokens), self.n_tokens, [MAIN])

    def compute_as_set(self) -> bool:
        """Make the context compute repeatably from now on if that is set; returns whether it does."""
        repeatable = self.dosing.is_repeatable
        _core.set_repeatable(self.address, -1, repeatable)
        return repeatable

    def take_over(self, tokens: Sequence[int], repeatable: bool) -> None:
        """Note that the decoder has put tokens into the cache one by one; the ledger already has them."""
        if tokens:
            self._note(tokens, Computed.REPEATABLY if repeatable else Computed.ALONE)

    def _note(self, tokens: Sequence[int], how: Computed) -> None:
        start, end = self.n_tokens, self.n_tokens + len(tokens)
        self.tokens[start:end] = tokens
        self.computed.mark(start, end, how)
        self.n_tokens = end
        self.version += 1
        self.has_logits = True
        self.is_stale = False

    def remove_leftovers(self) -> None:
        """Remove from the cache what lies after the sequence's end."""
        self.cache.remove_after(self.n_tokens)

    #
    # shortening
    #

    def clear(self) -> None:
        """Empty the cache."""
        self.shorten(0)
        self.pending, self.n_before = None, 0

    def shorten(self, n_tokens: int) -> None:
        """Keep the first ``n_tokens`` positions, or none if the cache cannot go back there."""
        with interrupt_later():
            if self._first_missing is None or n_tokens <= self._first_missing:
                n_tokens = self.cache.shorten(n_tokens)
                self._first_missing = None
            self._note_shorter(n_tokens)
            self.version += 1

    def _note_shorter(self, n_tokens: int) -> None:
        self.n_tokens = n_tokens
        self.ledger.cut(n_tokens)
        self.has_logits = False
        self.is_stale = False

    def _keep(self, n_tokens: int, n_good: int) -> None:
        """After a failure: keep the first ``n_tokens`` tokens, though the cache has at most ``n_good`` of them."""
        with interrupt_later():
            left = self.cache.shorten(min(n_good, n_tokens, self.cache.n_positions))
            self._note_shorter(n_tokens)
            self._first_missing = None
            if left < n_tokens:
                self._first_missing = left
                self.ledger.computed(left, n_tokens, True, 0)
                self.computed.mark(left, n_tokens, Computed.ALONE)

    def set_length(self, n_tokens: int) -> None:
        """Set the number of tokens in the sequence; what the cache holds after them is left over."""
        self.computed.mark(self.n_tokens, n_tokens, Computed.TOGETHER)
        if n_tokens < self.n_tokens:
            self.has_logits = self.is_stale = False
            self.pending = None
        if self._first_missing is not None and n_tokens <= self._first_missing:
            self._first_missing = None
        self.n_tokens, self.n_before = n_tokens, min(self.n_before, n_tokens)
        self.version += 1
        self.ledger.cut(n_tokens)

    def take_loaded(self, tokens: Sequence[int]) -> None:
        """Note that the cache was replaced and now holds these tokens, of which nothing else is known."""
        self._note_shorter(0)
        self._first_missing = None
        self.pending = None
        self.n_tokens = self.n_before = len(tokens)
        self.version += 1
        self.tokens[: len(tokens)] = tokens
        self.computed.mark(0, len(tokens), Computed.ALONE)

    def compute_again(self, first: int, end: int | None = None) -> int:
        """Compute the sequence again, sober, from ``first`` or earlier, and end it at ``end`` (None: where it ends).

        Returns:
            Number of tokens that were computed.

        Raises:
            KeyboardInterrupt, DecodeError: all tokens are kept; those that were not computed are missing in the cache.
        """
        n_tokens, version = self.n_tokens if end is None else end, self.version
        try:
            self.shorten(first)
            again = self.tokens[self.n_tokens : n_tokens].tolist()
            self.evaluate(again)
        except BaseException:
            self._keep(n_tokens, first)
            raise
        finally:
            if end is None:
                self.version = version  # the tokens are the same
        return len(again)

    def complete(self) -> None:
        """Compute what is missing in the cache after an interrupted computation."""
        if self._first_missing is not None:
            self.compute_again(self._first_missing)

    def refresh_logits(self) -> None:
        """Compute what is missing, and evaluate the last token again if a shower left old logits."""
        self.complete()
        if self.is_stale:
            self.compute_again(self.n_tokens - 1)

    #
    # showers
    #

    @property
    def n_dirty(self) -> int:
        """Number of dirty positions; 0 if a background shower has finished."""
        background = self._background  # another thread may remove it
        return 0 if background is not None and background.is_done else self.ledger.n_dirty

    def shower_if_due(self, interval: int) -> None:
        """Take a cold shower if at least ``interval`` positions are dirty."""
        if self.ledger.is_due(interval):
            self.shower()

    def shower(self) -> int:
        """Clean the sequence, by computing it again from the first dirty position on, or by switching to the twin.

        Returns:
            Number of positions after the first dirty one.
        """
        first = self.ledger.first_dirty
        if first is None:
            return 0
        if self.twin is None or self._first_missing is not None:
            return self.compute_again(first)
        with interrupt_later():
            self.twin.switch(self.context, self.n_tokens)
            self._note_clean()
        return self.n_tokens - first

    def shower_in_background(self) -> int:
        """Start computing the sequence again in another context; :meth:`use` takes over the result or drops it.

        Returns:
            Number of positions after the first dirty one.
        """
        first = self.ledger.first_dirty
        if first is None or self.twin is not None:
            return self.shower()
        repeatable = self.dosing.is_repeatable
        self._background = BackgroundShower(self.settings, self.context, self.past, first, repeatable)
        return self.n_tokens - first

    def end_background_shower(self) -> None:
        """Take over the result of a background shower, or drop it if it is not complete."""
        if self._background is not None:
            self._background.cancel()
            self.wait_for_background_shower()

    def wait_for_background_shower(self) -> None:
        """Wait until it is complete, and take it over. Ctrl-C drops it."""
        background, self._background = self._background, None
        if background is None:
            return
        try:
            background.wait()
            if background.is_done:
                with interrupt_later():
                    self._take_over_clean(background)
        finally:
            background.drop()

    def _take_over_clean(self, background: BackgroundShower) -> None:
        if background.copy_to(self.context):
            self._note_clean()
        else:  # llama.cpp may have emptied the cache
            self._keep(self.n_tokens, self.n_tokens)

    def drop_background_shower(self) -> None:
        """End it, whether it is complete or not, and leave the cache as it is."""
        background, self._background = self._background, None
        if background is not None:
            background.drop()

    def catch_up_twin(self) -> None:
        """After loading a state without a twin: make the twin from what is in the cache."""
        if self.twin is not None:
            first = self.ledger.first_dirty
            n_clean = self.n_tokens if first is None else first
            try:
                self.compute_as_set()
                self.twin.catch_up(self.context, self.decoder, self.past, n_clean)
            except BaseException:
                self._keep(self.n_tokens, 0)
                raise

    def _note_clean(self) -> None:
        """Note that the cache is now clean, while the logits are still the old ones."""
        self.ledger.clear()
        self._first_missing = None
        self.has_logits = False
        self.is_stale = True
