"""The prompt that a chat template makes of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from llama_cpp import llama_chat_format

from drugs_cpp.engine.sampling import stop_tokens_of
from drugs_cpp.errors import PromptError

if TYPE_CHECKING:
    import llama_cpp


class ChatPrompt(NamedTuple):
    """A prompt, and where its continuation ends: stop strings, stop tokens, a grammar or None."""

    tokens: list[int]
    stop: str | Sequence[str] | None
    stop_tokens: list[int]
    grammar: Any


class _Ready(Exception):
    """Carries what a chat handler would have completed."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked


class _Listener:
    """Stands in for the model while a chat handler makes a prompt of messages, and keeps what it makes."""

    def __init__(self, llm: llama_cpp.Llama) -> None:
        self._llm = llm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    def create_completion(self, **asked: Any) -> Any:
        raise _Ready(asked)


def chat_prompt(
    llm: llama_cpp.Llama, handlers: Mapping[str, Any], messages: Sequence[Any], **options: Any
) -> ChatPrompt:
    """Run the model's own chat handler up to the point where it would complete a prompt.

    Args:
        llm: the model.
        handlers: made of the chat templates in its file, by name.
        messages: of the conversation.
        **options: for the handler.

    Raises:
        PromptError: no messages, or a handler that does something else, for example one for images, or has criteria
            of its own.
    """
    if isinstance(messages, (str, bytes)) or not messages or not all(isinstance(m, Mapping) for m in messages):
        raise PromptError(f"messages is {messages!r}: give a list with at least one {{'role': ..., 'content': ...}}")
    name = str(llm.chat_format)
    named = handlers.get(name) or llama_chat_format.get_chat_completion_handler(name)
    handler: Any = llm.chat_handler or named
    try:
        handler(llama=_Listener(llm), messages=list(messages), **options)
    except _Ready as ready:
        asked = ready.asked
    else:
        raise PromptError(f"the chat format {llm.chat_format!r} makes no prompt: give the prompt instead of messages")
    stop_tokens = stop_tokens_of(asked.get("stopping_criteria"))
    if stop_tokens is None or not asked["prompt"]:
        raise PromptError(f"the chat format {llm.chat_format!r} decodes in its own way: give the prompt, not messages")
    stop = asked.get("stop") or []
    stop = [stop] if isinstance(stop, str) else list(stop)
    return ChatPrompt(list(asked["prompt"]), stop, stop_tokens, asked.get("grammar"))
