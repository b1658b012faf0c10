"""How many different texts there are among several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core

if TYPE_CHECKING:
    import numpy.typing as npt

#: texts whose embeddings have a larger cosine say the same
SAME_COSINE = 0.85

#: texts with a larger Rouge-L do
SAME_ROUGE = 0.5


def n_clusters(n: int, same: Callable[[int, int], bool]) -> int:
    """Groups of texts, each of which is the same as the first of its group.

    Args:
        n: texts.
        same: whether two of them, by their numbers, say the same.
    """
    firsts: list[int] = []
    for i in range(n):
        if not any(same(first, i) for first in firsts):
            firsts.append(i)
    return len(firsts)


def distinct_by_cosine(vectors: npt.NDArray[Any]) -> int:
    """Different texts by their embeddings, (n, length)."""
    if not len(vectors):
        return 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    return n_clusters(len(vectors), lambda a, b: bool(cosines[a, b] > SAME_COSINE))


def distinct_by_rouge(texts: Sequence[str]) -> int:
    """Different texts by their words."""
    return n_clusters(len(texts), lambda a, b: _core.rouge_l(texts[a], texts[b]) > SAME_ROUGE)


def first_words(text: str, n: int) -> str:
    """The beginning of a text, so that texts of different lengths are compared at the same one."""
    return " ".join(text.split()[:n])
