"""``Prompt``: what the texts of a sweep continue or answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prompt:
    """A conversation, or a text.

    Attributes:
        name: given by the user; it does not identify the prompt.
        messages: (role, content) of each message, for the model's chat template.
        text: to continue as it is, if there are no messages.
    """

    name: str
    messages: tuple[tuple[str, str], ...] = ()
    text: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments for methods of a model."""
        if not self.messages:
            return {"prompt": self.text, "messages": None}
        return {"prompt": None, "messages": [{"role": role, "content": content} for role, content in self.messages]}

    @property
    def shown(self) -> str:
        """The last message, or the text."""
        return self.messages[-1][1] if self.messages else self.text

    def to_json(self) -> str:
        """Return JSON that is always the same for the same prompt."""
        return json.dumps({"messages": self.messages, "text": self.text}, sort_keys=True)


def prompt_of(name: str, key: str) -> Prompt:
    """Make a prompt from its name and its JSON.

    Raises:
        LookupError, TypeError, ValueError: the JSON is not that of a prompt.
    """
    values = json.loads(key)
    messages = tuple((str(role), str(content)) for role, content in values["messages"])
    return Prompt(name, messages, str(values["text"]))
