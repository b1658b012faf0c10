"""Generating token by token in Python, for what looks at every token: callbacks, draft models, generators."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.continuation import CHANGED
from drugs_cpp.engine.prompt import feed_prompt
from drugs_cpp.engine.sampling import sample
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.engine.run import Run
    from drugs_cpp.engine.session import Session

Draft = Callable[["npt.NDArray[np.intc]"], Any]


@dataclass(frozen=True)
class Watchers:
    """What looks at every token.

    Attributes:
        stops: called with the tokens before the one just chosen and the row of the logits that chose it, counted from
            the end; a true result ends the text.
        draft: llama-cpp-python's draft model, which guesses the next tokens from those so far; None: there is none.
    """

    stops: Callable[[npt.NDArray[np.intc], int], bool] | None = None
    draft: Draft | None = None


def generate(
    session: Session, run: Run, tokens: Sequence[int], reset: bool, watchers: Watchers
) -> Generator[int, Sequence[int] | None, None]:
    """Yield one new token after another, endlessly. Tokens that are sent in are fed after the last one.

    Args:
        session: where to generate.
        run: seed, doses, sampler.
        tokens: the prompt.
        reset: the prompt is the whole text. False: it is appended to what is in the cache.
        watchers: what looks at every token.

    Raises:
        StateError: something else was done with the session between two tokens.
        BusyError: another thread is using it.
    """
    with session.use():
        _begin(session, run, tokens, reset)
        version = session.version
    at = session.n_tokens - 1  # the position whose logits choose the next token
    while True:
        fed: list[int] = []
        while at < session.n_tokens:
            with session.use():
                _check_version(session, version)
                token = sample(session, run, at - session.n_tokens)
                _check_version(session, version)  # a logits processor may have done anything
            at += 1
            if watchers.stops is not None and watchers.stops(session.tokens[:at], at - 1 - session.n_tokens):
                return
            sent = yield token
            fed = [token, *(sent or ())]
            with session.use():
                _check_version(session, version)
                if at < session.n_tokens and token != session.tokens[at]:  # a wrong guess
                    session.compute_again(at, at)
                    version = session.version
                    break
        with session.use():
            _check_version(session, version)
            session.check_fit(len(fed), session.n_tokens)
            fed += _guesses(session, fed, watchers.draft)
            session.check_vocabulary(fed)
            run.feed_back(session, fed)
            session.pending = None  # it was the first of them
            version = session.version
        if watchers.draft is None:
            at = session.n_tokens - 1


def _check_version(session: Session, version: int) -> None:
    """Raise a StateError if the session's tokens are not as this text left them."""
    if session.version != version:
        raise StateError(CHANGED)


def _begin(session: Session, run: Run, tokens: Sequence[int], reset: bool) -> None:
    session.check_vocabulary(tokens)
    if reset:
        feed_prompt(session, run, tokens)
        return
    session.check_fit(len(tokens), session.n_tokens)
    run.feed_input(session, list(tokens))


def _guesses(session: Session, fed: list[int], draft: Draft | None) -> list[int]:
    if draft is None:
        return []
    end = session.n_tokens + len(fed)
    session.tokens[session.n_tokens : end] = fed
    return [int(token) for token in draft(session.tokens[:end])][: session.settings.n_ctx - end]
