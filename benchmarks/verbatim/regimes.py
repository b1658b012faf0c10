"""What became of a text that was to be repeated word for word.

The author of DRµGS describes three regimes: the model tolerates noise, replaces words, or goes round in circles. A text
that is none of these is another one.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from drugs_cpp.study.measures import repeated, words

#: what can become of a text, from the smallest dose up
TOLERANCE, SUBSTITUTION, OTHER, ECHO = REGIMES = ("tolerance", "substitution", "another text", "echo")

#: share of its 4-grams of words that were there before, above which a text goes round in circles
MOST_REPEATED = 0.3

#: share of the words that are repeated in order, from which on a text is the same, and from which on it is a variant
SAME, VARIANT = 0.95, 0.5

#: words of a text over those that were to be repeated, above which it goes on with something else
_LONGEST = 1.3


def kept(text: str, original: str) -> float:
    """Share of the words of the original that a text has in the same order, 0 to 1."""
    wanted, found = words(original), words(text)
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


def regime(text: str, original: str) -> str:
    """Which of ``REGIMES`` a text is in."""
    if (repeated(text) or 0) > MOST_REPEATED:
        return ECHO
    share = kept(text, original)
    if share < VARIANT or len(words(text)) > _LONGEST * len(words(original)):
        return OTHER
    return TOLERANCE if share >= SAME else SUBSTITUTION
