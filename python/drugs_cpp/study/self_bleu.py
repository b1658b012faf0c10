"""``self_bleu``: how similar texts are to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

_LONGEST = 4  # words of an n-gram

_Gram = tuple[str, ...]


def self_bleu(texts: Sequence[str], bleu: Any) -> float | None:
    """Return the mean BLEU of each text with the others as references, 0 to 1: Zhu et al. 2018, arXiv 1802.01886.

    The same as with sacrebleu's ``sentence_score`` for each text. But the n-grams of a text are counted once, and not
    again as part of every other text's references, so that the time is proportional to the number of words.

    Args:
        texts: two or more; otherwise the result is None.
        bleu: ``sacrebleu.BLEU(effective_order=True)``, which splits texts into words and has the formula.
    """
    if len(texts) < 2:
        return None
    words = [bleu.tokenizer(text.rstrip()).split() for text in texts]
    counts = [_count(some) for some in words]
    most = _two_largest(counts)
    lengths = [len(some) for some in words]
    scores = []
    for i, own in enumerate(counts):
        matched, total = [0] * _LONGEST, [0] * _LONGEST
        for gram, n in own.items():
            first, whose, second = most[gram]
            total[len(gram) - 1] += n
            matched[len(gram) - 1] += min(n, second if whose == i else first)
        nearest = min(lengths[:i] + lengths[i + 1 :], key=lambda length: (abs(length - lengths[i]), length))
        score = bleu.compute_bleu(matched, total, lengths[i], nearest, bleu.smooth_method, effective_order=True)
        scores.append(float(score.score) / 100)
    return min(1.0, sum(scores) / len(scores))  # rounding may exceed 1


def _count(words: Sequence[str]) -> Counter[_Gram]:
    counts: Counter[_Gram] = Counter()
    for n in range(1, _LONGEST + 1):
        counts.update(zip(*(words[i:] for i in range(n))))
    return counts


def _two_largest(counts: Sequence[Counter[_Gram]]) -> dict[_Gram, tuple[int, int, int]]:
    """Return, by n-gram, its largest count in a text, the index of that text, and its largest count in another text."""
    most: dict[_Gram, tuple[int, int, int]] = {}
    for i, own in enumerate(counts):
        for gram, n in own.items():
            first, whose, second = most.get(gram, (0, -1, 0))
            most[gram] = (n, i, first) if n > first else (first, whose, max(n, second))
    return most
