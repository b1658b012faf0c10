"""How many tokens a completion actually decoded."""

from __future__ import annotations

from typing import Any


def n_fed_back(answer: Any) -> int:
    """Return the number of new tokens that the model was fed, in all choices of a completion that is not streamed.

    The last token of a text of maximum length is chosen and never fed. If the model ended a text, the token that did so
    is not counted as part of the text, and the one before it was fed.
    """
    cut = [choice["finish_reason"] for choice in answer["choices"]].count("length")
    return int(answer["usage"]["completion_tokens"]) - cut
