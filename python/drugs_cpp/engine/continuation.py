"""``Continuation``: continues a session's sequence in C++, as long as nothing has to look at each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.engine.sampling import address
from drugs_cpp.engine.twin import TWIN
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from drugs_cpp.engine.run import Run
    from drugs_cpp.engine.session import Session

_MAIN = 0

#: what is raised if a text cannot go on
CHANGED = "another call has changed the model's cache since this text began: begin it again"


class Continuation:
    """Chooses a first token from the session's logits; :meth:`advance` feeds back and chooses the next ones.

    Args:
        session: with logits.
        run: seed, doses, sampler.
        n_max: new tokens after which it ends.
        stop: UTF-8 strings that end it.
        stop_tokens: tokens that end it, besides those of the vocabulary.
        n_extra: further tokens that may complete a character that ``n_max`` would cut.

    Attributes:
        sequence: the new tokens and their text.
    """

    def __init__(
        self,
        session: Session,
        run: Run,
        n_max: int,
        stop: Sequence[bytes] = (),
        stop_tokens: Sequence[int] = (),
        n_extra: int = 0,
    ) -> None:
        session.refresh_logits()
        self._session = session
        self._run = run  # also keeps the sampler alive; the sequence has only its address
        self._n_begin = session.n_tokens
        self._version = session.version
        self.sequence = _core.Sequence(
            _MAIN,
            session.n_tokens,
            n_max,
            n_extra=n_extra,
            stop=list(stop),
            stop_tokens=list(stop_tokens),
            sampler=address(run.sampler),
            twin=-1 if session.twin is None else TWIN,
            ledger=session.ledger,
        )
        session.decoder.choose(self.sequence, session.decoder.logits())

    @property
    def is_current(self) -> bool:
        """Whether the session still holds this text, unchanged by other calls."""
        return self._session.version == self._version

    def advance(self, text: bool = False, n_steps: int | None = None) -> None:
        """Feed the last token back and choose the next one, again and again.

        Returns when the sequence has ended, when ``text`` is set and there is some text, or after ``n_steps`` tokens.
        Takes showers when they are due; a dose changed by another thread takes effect at the next token.

        Raises:
            StateError: something else was done with the session since the last call.
            KeyboardInterrupt: Ctrl-C, within a token; the tokens so far are kept.
        """
        session, sequence = self._session, self.sequence
        session.check_open()
        session.end_background_shower()  # a callback may have begun one
        left = np.inf if n_steps is None else n_steps
        while sequence.end is None and left > 0:
            if not self.is_current:
                raise StateError(CHANGED)
            n_past = sequence.n_past
            session.shower_if_due(self._run.dosing.sober_interval)
            session.complete()
            self._decode(left, text)
            left -= sequence.n_past - n_past
            if text and sequence.n_past > n_past and sequence.has_text:
                break

    def _decode(self, n_steps: float, text: bool) -> None:
        """Decode until the doses change or a shower is due."""
        session, dosing = self._session, self._run.dosing
        changes = dosing.drugs.changes
        unchanged = [(changes, changes.value)]  # before the doses are read
        dose = self._run.dose(session.n_before)
        session.remove_leftovers()
        repeatable = session.compute_as_set()
        n_steps = min(n_steps, session.settings.n_ctx)
        try:
            if dose is not None:
                dose.give(session.address, _MAIN)
                self.sequence.sink = dose.sink
            self.sequence.dosed = dose is not None
            session.decoder.run([self.sequence], int(n_steps), unchanged, text, dosing.sober_interval)
        finally:
            if dose is not None:
                _core.clear_dose(session.address, _MAIN)
            n_old, n_new = session.n_tokens - self._n_begin, self.sequence.n_past - self._n_begin
            session.take_over(self.sequence.tokens[n_old:n_new], repeatable)
            self._version = session.version
