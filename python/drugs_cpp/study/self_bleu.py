"""``self_bleu``: how much texts are like each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

_LONGEST = 4  # words of an n-gram

_Gram = tuple[str, ...]


def self_bleu(texts: Sequence[str], bleu: Any) -> float | None:
    """Mean BLEU of each text with the others as references, 0 to 1: Zhu et al. 2018, arXiv 1802.01886.

    As sacrebleu's ``sentence_score`` has it for each of them; but n-grams of a text are counted once, and not again as
    a part of every other text's references, so that many texts take as long as their words.

    Args:
        texts: two or more, else there is none.
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
    return min(1.0, sum(scores) / len(scores))  # rounding may have gone beyond 1


def _count(words: Sequence[str]) -> Counter[_Gram]:
    counts: Counter[_Gram] = Counter()
    for n in range(1, _LONGEST + 1):
        counts.update(zip(*(words[i:] for i in range(n))))
    return counts


def _two_largest(counts: Sequence[Counter[_Gram]]) -> dict[_Gram, tuple[int, int, int]]:
    """By n-gram how often the text has it that has it most, the number of that text, and the most of another text."""
    most: dict[_Gram, tuple[int, int, int]] = {}
    for i, own in enumerate(counts):
        for gram, n in own.items():
            first, whose, second = most.get(gram, (0, -1, 0))
            most[gram] = (n, i, first) if n > first else (first, whose, max(n, second))
    return most
