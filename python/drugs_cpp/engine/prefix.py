"""How much of a cached prompt a new one can use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.intc]


def common_prefix(a: Tokens, b: Tokens) -> int:
    """Return the length of the longest common prefix."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n


def repeatable_prefix(cached: Tokens, tokens: Tokens) -> int:
    """Return how many tokens to keep so that the same seed gives the same text, whatever the cache holds.

    A batch of one token rounds differently from a larger one, and that is enough to change a choice. So a dosed run
    computes its prompt in batches of two or more, and the last token alone, after a prefix or from the start.

    Args:
        cached: tokens whose positions were computed in batches of two or more.
        tokens: the prompt, at least one token.
    """
    shared = common_prefix(cached, tokens)
    last = len(tokens) - 1
    return max(0, shared - 1) if shared == last - 1 else min(shared, last)
