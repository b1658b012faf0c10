"""The prompt that a chat template makes from messages."""

from __future__ import annotations

import contextlib
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import TemplateError
from llama_cpp import llama_chat_format

from drugs_cpp.engine.sampling import stop_tokens_of
from drugs_cpp.errors import ChatTemplateWarning, PromptError

if TYPE_CHECKING:
    import llama_cpp


#: the chat format that upstream uses if a file has no chat template
_FALLBACK = "llama-2"


def lacks_template(llm: llama_cpp.Llama, handlers: Mapping[str, Any]) -> bool:
    """Whether there is no chat template, format or handler for this model."""
    return llm.chat_handler is None and llm.chat_format == _FALLBACK and not handlers


def warn_of_fallback(stacklevel: int) -> None:
    """Warn that messages are formatted in a way that the model may not know, and say what else can be done."""
    warnings.warn(
        "this model has no chat template: messages are formatted as for Llama 2, and it may answer with nothing or "
        "nonsense. Continue a text with create_completion(), or load the model with chat_format=",
        ChatTemplateWarning,
        stacklevel=stacklevel + 1,
    )


@contextlib.contextmanager
def chat_errors(messages: object) -> Iterator[None]:
    """For ``with``: turn errors while a prompt is made from messages into exceptions of ours.

    Raises:
        PromptError: not messages; the chat template refuses them; or they, the tools or a schema are nested too deeply.
    """
    if isinstance(messages, (str, bytes)) or not messages or not _are_messages(messages):
        raise PromptError(f"messages is {messages!r}: give a list with at least one {{'role': ..., 'content': ...}}")
    try:
        yield
    except RecursionError:
        raise PromptError("the messages, their tools or their schema are nested too deeply") from None
    except Exception as error:
        if not (isinstance(error, TemplateError) or _was_raised_in_template(error)):
            raise
        raise PromptError(f"the model's chat template cannot be used with these messages: {error}") from error


def _was_raised_in_template(error: Exception) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename == "<template>" for frame in frames)


def _are_messages(messages: object) -> bool:
    return isinstance(messages, Sequence) and all(isinstance(message, Mapping) for message in messages)


class ChatPrompt(NamedTuple):
    """A prompt, and where its continuation ends: stop strings, stop tokens, a grammar or None."""

    tokens: list[int]
    stop: str | Sequence[str] | None
    stop_tokens: list[int]
    grammar: Any


class _Ready(Exception):
    """Carries the arguments with which a chat handler asked for a completion."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked


class _Listener:
    """Stands in for the model while a chat handler makes a prompt from messages, and intercepts the prompt."""

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
        handlers: made from the chat templates in its file, by name.
        messages: of the conversation.
        **options: for the handler.

    Raises:
        PromptError: no messages, or a handler that does something else, such as one for images, or that has stopping
            criteria of its own.
    """
    with chat_errors(messages):
        asked = _asked(llm, handlers, messages, options)
    if asked is None:
        raise PromptError(f"the chat format {llm.chat_format!r} makes no prompt: give the prompt instead of messages")
    stop_tokens = stop_tokens_of(asked.get("stopping_criteria"))
    if stop_tokens is None or not asked["prompt"]:
        raise PromptError(f"the chat format {llm.chat_format!r} decodes in its own way: give the prompt, not messages")
    stop = asked.get("stop") or []
    stop = [stop] if isinstance(stop, str) else list(stop)
    return ChatPrompt(list(asked["prompt"]), stop, stop_tokens, asked.get("grammar"))


def _asked(
    llm: llama_cpp.Llama, handlers: Mapping[str, Any], messages: Sequence[Any], options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the arguments of the completion that a handler asks for; None: it did something else."""
    name = str(llm.chat_format)
    named = handlers.get(name) or llama_chat_format.get_chat_completion_handler(name)
    handler: Any = llm.chat_handler or named
    try:
        handler(llama=_Listener(llm), messages=list(messages), **options)
    except _Ready as ready:
        return ready.asked
    return None
