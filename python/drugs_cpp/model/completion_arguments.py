"""What completions take by keyword, and its types: as in llama-cpp-python, and our additional samplers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Union

if TYPE_CHECKING:
    from llama_cpp import LogitsProcessorList, StoppingCriteriaList
    from llama_cpp.llama_grammar import LlamaGrammar
    from llama_cpp.llama_types import ChatCompletionRequestFunctionCall, ChatCompletionToolChoiceOption

#: a conversation: upstream's types for messages and plain dictionaries
Messages = Sequence[Mapping[str, Any]]

#: a prompt for completions
Prompt = Union[str, list[int]]


class SamplingArguments(TypedDict, total=False):
    """What both kinds of completion take."""

    max_tokens: int | None
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    typical_p: float
    stop: str | list[str] | None
    seed: int | None
    presence_penalty: float
    frequency_penalty: float
    repeat_penalty: float
    tfs_z: float
    mirostat_mode: int
    mirostat_tau: float
    mirostat_eta: float
    model: str | None
    logits_processor: LogitsProcessorList | None
    grammar: LlamaGrammar | None
    logit_bias: dict[int, float] | None
    xtc_probability: float
    xtc_threshold: float
    top_n_sigma: float


class TokenArguments(TypedDict, total=False):
    """What ``generate`` takes besides ``tokens``."""

    top_k: int
    top_p: float
    min_p: float
    typical_p: float
    temp: float
    repeat_penalty: float
    reset: bool
    frequency_penalty: float
    presence_penalty: float
    tfs_z: float
    mirostat_mode: int
    mirostat_tau: float
    mirostat_eta: float
    penalize_nl: bool
    logits_processor: LogitsProcessorList | None
    stopping_criteria: StoppingCriteriaList | None
    grammar: LlamaGrammar | None
    xtc_probability: float
    xtc_threshold: float
    top_n_sigma: float


class CompletionArguments(SamplingArguments, total=False):
    """What ``create_completion`` takes besides ``prompt`` and ``stream``."""

    suffix: str | None
    logprobs: int | None
    echo: bool
    stopping_criteria: StoppingCriteriaList | None


class ChatArguments(SamplingArguments, total=False):
    """What ``create_chat_completion`` takes besides ``messages`` and ``stream``."""

    functions: Sequence[Mapping[str, Any]] | None
    function_call: ChatCompletionRequestFunctionCall | dict[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: ChatCompletionToolChoiceOption | dict[str, Any] | None
    response_format: Mapping[str, Any] | None
    logprobs: bool | None
    top_logprobs: int | None
