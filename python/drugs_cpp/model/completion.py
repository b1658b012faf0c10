"""A text completion: from the arguments of ``create_completion`` to its answer in OpenAI's format."""

from __future__ import annotations

import time
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.errors import ContextOverflowError, CountError, OptionError

if TYPE_CHECKING:
    import llama_cpp
    from llama_cpp._internals import LlamaModel


def prompt_tokens(llm: llama_cpp.Llama, model: LlamaModel, prompt: str | Sequence[int]) -> list[int]:
    """Return the tokens of a prompt as in upstream's ``create_completion``: a list is used as it is.

    Args:
        llm: the model whose tokenizer to use.
        model: its handle.
        prompt: text or token ids.
    """
    if not isinstance(prompt, str):
        return list(prompt)
    begin, separator = llm.token_bos(), model.token_sep()
    tokens = [begin] if model.add_bos_token() and begin != -1 else []
    tokens += llm.tokenize(prompt.encode("utf-8"), add_bos=False, special=True)
    if separator != -1:
        tokens.append(separator)
    elif model.add_eos_token():
        tokens.append(llm.token_eos())
    if tokens[:2] == [begin] * 2:
        warnings.warn(
            f"the prompt begins with {model.token_get_text(begin)!r}, which is added anyway: leave it out",
            RuntimeWarning,
            stacklevel=2,
        )
    return tokens


def token_limit(max_tokens: int | None, n_prompt: int, n_ctx: int) -> int:
    """Return how many new tokens a text may have.

    Args:
        max_tokens: largest number of new tokens; None, 0 or less: as many as fit.
        n_prompt: tokens of the prompt.
        n_ctx: tokens of the context.

    Raises:
        ContextOverflowError: the prompt leaves no room.
    """
    if n_prompt >= n_ctx:
        raise ContextOverflowError(
            f"Requested tokens ({n_prompt}) exceed context window of {n_ctx}: "
            "shorten the prompt, or load with a larger n_ctx"
        )
    room = n_ctx - n_prompt
    return room if max_tokens is None or max_tokens <= 0 else min(max_tokens, room)


#: a character in UTF-8 has at most four bytes, and a token at least one
LONGEST_CHARACTER = 4


def finishing_tokens(limit: int, n_prompt: int, n_ctx: int) -> int:
    """Return how many further tokens may complete a character that ``limit`` would cut, as far as there is room.

    Args:
        limit: new tokens.
        n_prompt: tokens of the prompt.
        n_ctx: tokens of the context.
    """
    return min(LONGEST_CHARACTER - 1, n_ctx - n_prompt - limit)


def check_asked(max_tokens: object, stop: Any) -> None:
    """Refuse, before anything is computed, values that cannot end a text.

    Raises:
        CountError: a ``max_tokens`` that is neither a whole number nor None.
        OptionError: as :func:`stop_bytes`.
    """
    if max_tokens is not None and (isinstance(max_tokens, bool) or not isinstance(max_tokens, (int, np.integer))):
        raise CountError(f"max_tokens is {max_tokens!r}: give a whole number, or None for as many as fit")
    stop_bytes(stop)


def stop_bytes(stop: str | Sequence[str] | None) -> list[bytes]:
    """Return stop strings in UTF-8.

    Raises:
        OptionError: something else, or text that cannot be encoded in UTF-8.
    """
    try:
        words = [stop] if isinstance(stop, str) else list(stop or ())
        return [word.encode("utf-8") for word in words]
    except (AttributeError, TypeError, UnicodeEncodeError):
        raise OptionError(f"stop is {stop!r}: give text or a list of texts") from None


def finish_reason(end: str | None) -> str | None:
    """Return OpenAI's name for the reason why a sequence ended."""
    return None if end is None else "length" if end == "length" else "stop"


def as_text(text: bytes) -> str:
    """Decode UTF-8; invalid bytes are left out, as upstream does."""
    return text.decode("utf-8", errors="ignore")


@dataclass(frozen=True)
class Answer:
    """What all parts of an answer have in common.

    Attributes:
        model: name of the model.
        chat: in the format of a chat completion instead of a text completion.
    """

    model: str
    chat: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    def _shaped(self, kind: str, choices: list[dict[str, Any]], more: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **more,
        }

    def shaped(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Return a whole answer."""
        return self._shaped("chat.completion" if self.chat else "text_completion", choices, more)

    def choice(self, text: str, reason: str | None, index: int = 0) -> dict[str, Any]:
        """Return one choice of a whole answer."""
        content = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        return {**content, "index": index, "logprobs": None, "finish_reason": reason}

    def chunk(self, text: str, reason: str | None, index: int = 0, **more: Any) -> dict[str, Any]:
        """Return a part of a streamed answer; ``more`` goes into its one choice."""
        content = {"delta": {"content": text} if text else {}} if self.chat else {"text": text}
        choice = {**content, "index": index, "logprobs": None, "finish_reason": reason, **more}
        return self._shaped("chat.completion.chunk" if self.chat else "text_completion", [choice], {})


def usage(n_prompt: int, n_new: int) -> dict[str, Mapping[str, int]]:
    """Return an answer's field ``usage``."""
    return {
        "usage": {"prompt_tokens": n_prompt, "completion_tokens": n_new, "total_tokens": n_prompt + n_new},
    }
