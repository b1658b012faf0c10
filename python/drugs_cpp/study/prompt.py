"""``Prompt``: what the texts of a sweep continue or answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prompt:
    """A conversation, or a text.

    Attributes:
        name: what people call it; not a part of what it is.
        messages: (role, content) of each message, for the model's chat template.
        text: to continue as it is, where there are no messages.
    """

    name: str
    messages: tuple[tuple[str, str], ...] = ()
    text: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """As methods of a model take it."""
        if not self.messages:
            return {"prompt": self.text, "messages": None}
        return {"prompt": None, "messages": [{"role": role, "content": content} for role, content in self.messages]}

    @property
    def shown(self) -> str:
        """The last message, or the text."""
        return self.messages[-1][1] if self.messages else self.text

    def to_json(self) -> str:
        """Always the same text for the same prompt."""
        return json.dumps({"messages": self.messages, "text": self.text}, sort_keys=True)


def prompt_of(name: str, key: str) -> Prompt:
    """A prompt of its name and its JSON.

    Raises:
        LookupError, TypeError, ValueError: it is not a prompt's.
    """
    values = json.loads(key)
    messages = tuple((str(role), str(content)) for role, content in values["messages"])
    return Prompt(name, messages, str(values["text"]))
