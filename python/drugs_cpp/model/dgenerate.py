"""``Dgenerate``: the reference's way to continue where the last call ended."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import llama_cpp
import numpy as np

from drugs_cpp.engine.continuation import Continuation
from drugs_cpp.errors import NoLogitsError, TokenError

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs


class Streamer:
    """Passes tokens on to a ``transformers`` streamer: first the input, int64 (1, n), then each new token, int64 (1,).

    Args:
        target: an object with ``put(array)`` and ``end()``, or None.
    """

    def __init__(self, target: Any) -> None:
        self._target = target

    @property
    def is_there(self) -> bool:
        """Whether there is a streamer."""
        return self._target is not None

    def put_input(self, tokens: Sequence[int]) -> None:
        """Pass on the input."""
        if self._target is not None:
            self._target.put(np.array([tokens], dtype=np.int64))

    def put(self, token: int) -> None:
        """Pass on a new token."""
        if self._target is not None:
            self._target.put(np.array([token], dtype=np.int64))

    def end(self) -> None:
        """Tell the streamer that there are no more tokens."""
        if self._target is not None:
            self._target.end()


def begin(engine: Engine, tokens: Sequence[int]) -> None:
    """Check the tokens, and feed the token that the last call chose.

    Raises:
        ContextOverflowError, TokenError: tokens that do not fit, or that are not in the vocabulary.
        NoLogitsError: there is nothing to continue.
    """
    session = engine.session
    engine.check_fit(len(tokens))
    session.check_vocabulary(tokens)
    if not tokens and session.pending is None and not session.can_choose:
        raise NoLogitsError("there is nothing to continue: give at least one token")
    engine.feed_pending()


def decode(
    engine: Engine,
    tokens: list[int],
    limit: int,
    options: Mapping[str, Any],
    dose_inputs: Inputs | None,
    streamer: Streamer,
) -> list[int]:
    """Decode in C++. Returns to Python after every token only if there is a streamer."""
    session = engine.session
    run = engine.sampled_run(engine.seeds.current(), {"temp": 0.0, **options}, dose_inputs=dose_inputs)
    run.feed_input(session, tokens)
    text = Continuation(session, run, min(limit, engine.settings.n_ctx - session.n_tokens + 1))
    n_told = 0
    while True:
        new_tokens = text.sequence.tokens
        session.pending = new_tokens[-1]
        for token in new_tokens[n_told:]:
            streamer.put(token)
        n_told = len(new_tokens)
        if text.sequence.end is not None:
            return new_tokens
        try:
            text.advance(n_steps=1 if streamer.is_there else None)
        finally:
            if text.is_current and text.sequence.end != "failed":
                session.pending = text.sequence.tokens[-1]


def collect(
    engine: Engine, run: Generator[int, Sequence[int] | None, None], limit: int, streamer: Streamer
) -> list[int]:
    """Collect tokens from the loop in Python."""
    session = engine.session
    vocab = engine.settings.model.vocab
    new_tokens: list[int] = []
    n_begin = 0
    try:
        with contextlib.closing(run):
            for token in run:
                n_begin = n_begin if new_tokens else session.n_tokens
                new_tokens.append(token)
                session.pending = token
                streamer.put(token)
                is_end = llama_cpp.llama_vocab_is_eog(vocab, token)
                if is_end or len(new_tokens) >= limit or session.n_tokens >= engine.settings.n_ctx:
                    break
    finally:
        end = n_begin + len(new_tokens) - (session.pending is not None)
        if new_tokens and session.n_tokens > end:  # guesses of the draft model
            session.compute_again(end, end)
    return new_tokens


def token_list(what: str, input_ids: Any) -> list[int]:
    """Return token ids as a list.

    Raises:
        TokenError: not a single sequence, or not whole numbers.
    """
    ids = np.asarray(list(input_ids) if isinstance(input_ids, Iterator) else input_ids)
    if ids.ndim == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 1:
        raise TokenError(f"{what} has shape {ids.shape}: give one sequence, (n,) or (1, n)")
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise TokenError(f"{what} holds {ids.dtype}: token ids are whole numbers (llm.tokenize() makes them)")
    return ids.tolist()  # type: ignore[no-any-return]
