"""How many of several texts are different."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core

if TYPE_CHECKING:
    import numpy.typing as npt

#: texts whose embeddings have a larger cosine count as the same
SAME_COSINE = 0.85

#: texts with a larger Rouge-L also count as the same
SAME_ROUGE = 0.5


def n_clusters(n: int, same: Callable[[int, int], bool]) -> int:
    """Return the number of groups of texts; each text counts as the same as the first of its group.

    Args:
        n: number of texts.
        same: whether two texts, given by their indices, are the same.
    """
    firsts: list[int] = []
    for i in range(n):
        if not any(same(first, i) for first in firsts):
            firsts.append(i)
    return len(firsts)


def distinct_by_cosine(vectors: npt.NDArray[Any]) -> int:
    """Return the number of different texts, compared by their embeddings, (n, length)."""
    if not len(vectors):
        return 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    return n_clusters(len(vectors), lambda a, b: bool(cosines[a, b] > SAME_COSINE))


def distinct_by_rouge(texts: Sequence[str]) -> int:
    """Return the number of different texts, compared by their words."""
    return n_clusters(len(texts), lambda a, b: _core.rouge_l(texts[a], texts[b]) > SAME_ROUGE)


def first_words(text: str, n: int) -> str:
    """Return the beginning of a text, so that texts are compared at the same length."""
    return " ".join(text.split()[:n])
