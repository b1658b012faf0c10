"""What ``variations`` takes and returns, for type checkers: texts and chats, whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from llama_cpp.llama_grammar import LlamaGrammar

    from drugs_cpp.doses.drugs import DrugsLike


class VariationOptions(TypedDict, total=False):
    """What ``variations`` takes by keyword only."""

    top_p: float
    min_p: float
    typical_p: float
    top_k: int
    frequency_penalty: float
    presence_penalty: float
    repeat_penalty: float
    mirostat_mode: int
    mirostat_tau: float
    mirostat_eta: float
    xtc_probability: float
    xtc_threshold: float
    top_n_sigma: float
    logit_bias: Mapping[int, float] | None
    grammar: LlamaGrammar | None
    response_format: Mapping[str, Any] | None
    n_parallel: int | None
    apart: bool


class VariationArguments(VariationOptions, total=False):
    """What ``variations`` takes besides ``prompt``, ``messages`` and ``stream``."""

    n: int | None
    seeds: int | Iterable[int | None] | None
    drugs: DrugsLike | Iterable[DrugsLike]
    max_tokens: int | None
    temperature: float
    stop: str | Sequence[str] | None


class Usage(TypedDict):
    """Numbers of tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class VariedText(TypedDict):
    """One of several texts. ``drugs``: its doses in the form of ``DRUGS.to_dict``."""

    text: str
    index: int
    logprobs: None
    finish_reason: Literal["stop", "length"]
    seed: int
    drugs: dict[str, Any]


class TextVariations(TypedDict):
    """What ``variations`` returns for a prompt."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[VariedText]
    usage: Usage


class VariedMessage(TypedDict):
    """The message of an answer."""

    role: Literal["assistant"]
    content: str


class VariedAnswer(TypedDict):
    """One of several answers. ``drugs``: its doses in the form of ``DRUGS.to_dict``."""

    message: VariedMessage
    index: int
    logprobs: None
    finish_reason: Literal["stop", "length"]
    seed: int
    drugs: dict[str, Any]


class ChatVariations(TypedDict):
    """What ``variations`` returns for messages."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[VariedAnswer]
    usage: Usage


class _Piece(TypedDict):
    index: int
    logprobs: None
    finish_reason: Literal["stop", "length"] | None
    seed: int


class _LastPiece(_Piece, total=False):
    drugs: dict[str, Any]


class TextPiece(_LastPiece):
    """The next piece of the text with this ``index``. Its last one has ``drugs`` and a ``finish_reason``."""

    text: str


class TextChunk(TypedDict):
    """What ``variations`` yields for a prompt: one choice at a time."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextPiece]


class Delta(TypedDict, total=False):
    """What an answer continues with; empty in its last piece."""

    content: str


class ChatPiece(_LastPiece):
    """The next piece of the answer with this ``index``. Its last one has ``drugs`` and a ``finish_reason``."""

    delta: Delta


class ChatChunk(TypedDict):
    """What ``variations`` yields for messages: one choice at a time."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChatPiece]
