"""Which texts are broken and left out before diversity is measured; otherwise a method that breaks texts would win.

The bounds were fixed before any text was seen.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import drugs_cpp
from drugs_cpp.engine.scorer import Scorer
from drugs_cpp.model.frozen_texts import frozen_texts
from drugs_cpp.study.measures import words

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_store import TextRow

#: a text with fewer words is too short
LEAST_WORDS = 3

#: share of 4-grams of words that occurred before
MOST_REPEATED = 0.3

#: size after zlib compression over size before
LEAST_COMPRESSIBILITY = 0.45

#: perplexity of a text under the sober model, over that of plain English prose
MOST_PERPLEXITY = 2.0


def prose_log_likelihood(model: Path) -> float:
    """Return the mean log-likelihood of the tokens of four short English texts under a model, in nats."""
    with contextlib.closing(drugs_cpp.Llama(model, n_ctx=512, verbose=False)) as llm:
        settings = llm.engine.settings
        found = []
        for text in frozen_texts(int(settings.model.vocab)):
            with contextlib.closing(Scorer(settings, text.prompt, len(text.fed), repeatable=True)) as scorer:
                found.append(float(scorer.score(text.fed).log_probs.mean(dtype=np.float64)))
    return float(np.mean(found))


def why_broken(row: TextRow, prose: float) -> str | None:
    """Return what is wrong with a text: "short", "repeats" or "unlikely"; None: nothing.

    Args:
        row: the text.
        prose: log-likelihood of plain prose under the same model.
    """
    if len(words(row.text)) < LEAST_WORDS:
        return "short"
    if (row.repeated or 0) > MOST_REPEATED or (row.compressibility or 1) < LEAST_COMPRESSIBILITY:
        return "repeats"
    if row.log_likelihood is not None and row.log_likelihood < prose - np.log(MOST_PERPLEXITY):
        return "unlikely"
    return None
