"""Measures of texts alone: of one, how far it repeats itself; of several, how much they differ."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: words of which a repetition is one
_REPEATED = 4


def words(text: str) -> list[str]:
    """Words and single marks of punctuation, in lower case."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def compressibility(text: str) -> float | None:
    """Bytes of a text compressed by zlib over its own, more than 1 for a few bytes; None for an empty one."""
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, 9)) / len(data) if data else None


def repeated(text: str) -> float | None:
    """Share of its 4-grams of words that were there before, 0 to 1; None where it has no four words."""
    grams = _grams(words(text), _REPEATED)
    return 1 - len(set(grams)) / len(grams) if grams else None


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Different n-grams of words in all texts over all of them: distinct-n of Li et al. 2016, arXiv 1510.03055."""
    grams = [gram for text in texts for gram in _grams(words(text), n)]
    return len(set(grams)) / len(grams) if grams else None


def vendi(vectors: npt.NDArray[Any]) -> float | None:
    """How many different vectors there are in effect: Friedman and Dieng 2023, arXiv 2210.02410.

    That is exp(-sum l log l) for the eigenvalues l of K / n, where K holds the cosines of all pairs.

    Args:
        vectors: (n, length).

    Returns:
        1, where all have the same direction, to n; None where there are none, or one is zero.
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
    """The first place where two texts have different tokens, or only one still has some; None where they are equal."""
    n = min(len(tokens), len(sober))
    differ = np.flatnonzero(np.asarray(tokens[:n]) != np.asarray(sober[:n]))
    if len(differ):
        return int(differ[0])
    return None if len(tokens) == len(sober) else n


def _grams(parts: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(parts[i:] for i in range(n))))
