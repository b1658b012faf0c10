"""``Varied``: the answer of ``variations``, a dictionary that a notebook shows with differences marked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, cast

from drugs_cpp.doses.text import SOBER, describe_doses
from drugs_cpp.markup import MARKED, Html, counted, heading, note, page, table, tag

#: how many texts are shown
_MOST_TEXTS = 50

#: how many words of a text are compared; the time grows with the square
_MOST_WORDS = 1000


class Varied(dict[str, Any]):
    """A completion with several choices, in OpenAI's format."""

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None if ``choices`` has been replaced by something else."""
        choices = self.get("choices")
        are_there = isinstance(choices, list) and choices and all(isinstance(choice, dict) for choice in choices)
        return varied_html(cast("list[dict[str, Any]]", choices)) if are_there else None


def varied_html(choices: list[dict[str, Any]]) -> Html:
    """Return a row for each text, with words marked that the first sober text (or else the first) does not have."""
    texts, doses = list(map(_text, choices)), [describe_doses(choice.get("drugs") or {}) for choice in choices]
    base = doses.index(SOBER) if SOBER in doses else 0
    others = len(choices) - _MOST_TEXTS
    rows = [
        [choice.get("seed", ""), doses[index], _compared(texts[index], texts[base] if index != base else None)]
        for index, choice in enumerate(choices[:_MOST_TEXTS])
    ]
    end = [note(f"and {others} more")] if others > 0 else []
    which = "the first sober one" if doses[base] == SOBER else "the first one"
    said = f"words that {which} does not have there are marked" if len(choices) > 1 else ""
    return page(heading(counted(len(choices), "text"), said), table(rows, ["seed", "doses", "text"]), *end)


def _text(choice: dict[str, Any]) -> str:
    message = choice.get("message")
    return str((message.get("content") if isinstance(message, dict) else choice.get("text")) or "")


def _compared(text: str, other: str | None) -> Html:
    parts = [text] if other is None else list(mark_differences(text, other))
    return tag("div", *parts, style="white-space:pre-wrap")


def mark_differences(text: str, other: str) -> Iterator[str]:
    """Cut a text into pieces of whole words, and mark those that the other text does not have.

    Args:
        text: the text to cut; white space belongs to the word after it.
        other: the text to compare it with.
    """
    words, others = re.findall(r"\s*\S+|\s+$", text), re.findall(r"\S+", other)[:_MOST_WORDS]
    compared = [word.strip() for word in words[:_MOST_WORDS]]
    matcher = difflib.SequenceMatcher(None, compared, others, autojunk=False)
    for kind, begin, end, _, _ in matcher.get_opcodes():
        piece = "".join(words[begin:end])
        if kind == "equal" or not piece.strip():
            yield piece
        else:
            begin_of_words = len(piece) - len(piece.lstrip())
            yield piece[:begin_of_words]
            yield tag("mark", piece[begin_of_words:], style=MARKED)
    yield "".join(words[_MOST_WORDS:])
