"""What became of a text that should be repeated word for word.

The author of DRµGS describes three regimes: the model tolerates noise, replaces words, or goes in circles. A text
in none of these regimes is another text.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from drugs_cpp.study.measures import repeated, words

#: what can become of a text, from the smallest dose to the largest
TOLERANCE, SUBSTITUTION, OTHER, ECHO = REGIMES = ("tolerance", "substitution", "another text", "echo")

#: a text goes in circles if a larger share of its 4-grams of words than this occurred before
MOST_REPEATED = 0.3

#: the share of words repeated in order from which a text is the same, and from which it is a variant
SAME, VARIANT = 0.95, 0.5

#: a text goes on with something else if it has more than this many times the words to be repeated
_LONGEST = 1.3


def kept(text: str, original: str) -> float:
    """Return the share of the original's words that a text has in the same order, 0 to 1."""
    wanted, found = words(original), words(text)
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


def regime(text: str, original: str) -> str:
    """Return the one of ``REGIMES`` that a text is in."""
    if (repeated(text) or 0) > MOST_REPEATED:
        return ECHO
    share = kept(text, original)
    if share < VARIANT or len(words(text)) > _LONGEST * len(words(original)):
        return OTHER
    return TOLERANCE if share >= SAME else SUBSTITUTION
