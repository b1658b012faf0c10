"""Which words of a text differ from another text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Word(NamedTuple):
    """A word and how it compares with another text.

    Attributes:
        text: the word, without white space.
        differs: the other text does not have it at this place.
        line_breaks: number of line breaks before it.
    """

    text: str
    differs: bool
    line_breaks: int


def mark_words(pieces: Iterable[str], other: str | None) -> Iterator[Word]:
    """Compare a text with another one, word by word, while it arrives.

    Args:
        pieces: the text, cut anywhere.
        other: the text to compare it with; None marks nothing.

    Yields:
        Each word as soon as it is complete. A word differs if difflib's alignment of the words so far with those of
        ``other`` leaves it without a partner.
    """
    words: list[str] = []
    for text, line_breaks in _split(pieces):
        words.append(text)
        yield Word(text, other is not None and _last_is_new(words, other.split()), line_breaks)


def _split(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    word, line_breaks = "", 0
    for piece in pieces:
        for character in piece:
            if not character.isspace():
                # a control character could do anything to a terminal
                word += character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
                continue
            if word:
                yield word, line_breaks
                word, line_breaks = "", 0
            line_breaks += character == "\n"
    if word:
        yield word, line_breaks


def _last_is_new(words: list[str], others: list[str]) -> bool:
    # only the last block before the empty one at the end can reach the last word
    blocks = difflib.SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()
    return not any(block.a + block.size == len(words) for block in blocks[:-1])
