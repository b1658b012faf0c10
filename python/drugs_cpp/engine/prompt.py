"""Feeding a prompt to a session, reusing what its cache already holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.engine.position_flags import Computed
from drugs_cpp.engine.prefix import common_prefix, repeatable_prefix

if TYPE_CHECKING:
    from drugs_cpp.engine.run import Run
    from drugs_cpp.engine.session import Session


def feed_prompt(session: Session, run: Run, tokens: Sequence[int]) -> None:
    """Make a session hold exactly these tokens, with the logits of the last one.

    Keeps those parts of the cache that this run would compute in the same way, and computes the rest.
    """
    session.check_fit(len(tokens), 0)
    session.pending = None
    if not tokens:
        session.clear()
        return
    _keep_what_is_the_same(session, run, tokens)
    prompt = np.asarray(tokens, dtype=np.intc)
    shared = common_prefix(session.tokens[: session.n_tokens], prompt)
    if shared == len(prompt) == session.n_tokens and session.has_logits:
        session.n_before = len(prompt)
        return
    session.shorten(max(0, min(shared, len(prompt) - 1)))
    run.feed_input(session, list(tokens[session.n_tokens :]))


def _keep_what_is_the_same(session: Session, run: Run, tokens: Sequence[int]) -> None:
    is_sober = run.dosing.drugs.is_sober
    keep = session.n_tokens
    if run.dose_inputs and not run.doses_last and not is_sober:
        keep = 0
    elif session.ledger.first_dirty is not None:
        keep = session.ledger.first_dirty
    if run.doses_last:
        keep = min(keep, len(tokens) - 1)
    if run.is_repeatable:
        keep = session.computed.n_first(keep, {Computed.REPEATABLY})
    elif is_sober:
        keep = session.computed.n_first(keep, {Computed.TOGETHER, Computed.ALONE})
    else:
        together = session.computed.n_first(keep, {Computed.TOGETHER})
        keep = repeatable_prefix(session.tokens[:together], np.asarray(tokens, dtype=np.intc))
    if keep < session.n_tokens:
        session.shorten(keep)
