"""Measures that need only texts: how far one text repeats itself, and how much several differ."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: number of words in the n-grams whose repetitions are counted
_REPEATED = 4


def words(text: str) -> list[str]:
    """Return words and single punctuation marks, in lower case."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def compressibility(text: str) -> float | None:
    """Return a text's zlib-compressed size over its size in bytes; above 1 if it is very short, None if it is empty."""
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, 9)) / len(data) if data else None


def repeated(text: str) -> float | None:
    """Return the share of 4-grams of words that occurred before, 0 to 1; None if there are fewer than four words."""
    grams = _grams(words(text), _REPEATED)
    return 1 - len(set(grams)) / len(grams) if grams else None


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Return different n-grams of words in all texts over all n-grams: distinct-n, Li et al. 2016, arXiv 1510.03055."""
    grams = [gram for text in texts for gram in _grams(words(text), n)]
    return len(set(grams)) / len(grams) if grams else None


def vendi(vectors: npt.NDArray[Any]) -> float | None:
    """Return the effective number of different vectors: Friedman and Dieng 2023, arXiv 2210.02410.

    That is exp(-sum l log l) for the eigenvalues l of K / n, where K holds the cosines of all pairs.

    Args:
        vectors: (n, length).

    Returns:
        From 1, if all have the same direction, to n; None if there are no vectors, or one is zero.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1) if vectors.size else np.zeros(1)
    if not (norms > 0).all():
        return None
    unit = vectors / norms[:, None]
    shares = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def parted_at(tokens: Sequence[int] | npt.NDArray[Any], sober: Sequence[int] | npt.NDArray[Any]) -> int | None:
    """Return the first index at which two texts have different tokens or only one has any; None if they are equal."""
    n = min(len(tokens), len(sober))
    differ = np.flatnonzero(np.asarray(tokens[:n]) != np.asarray(sober[:n]))
    if len(differ):
        return int(differ[0])
    return None if len(tokens) == len(sober) else n


def _grams(parts: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(parts[i:] for i in range(n))))
