"""The methods of a model that complete a text or a conversation; the type of a result follows ``stream``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, overload

import llama_cpp

from drugs_cpp.model.chat_prompt import chat_errors, warn_of_fallback
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.extra_options import call_upstream
from drugs_cpp.model.signatures import bound_arguments, with_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llama_cpp import LogitsProcessorList, StoppingCriteriaList
    from llama_cpp.llama_grammar import LlamaGrammar
    from llama_cpp.llama_types import (
        ChatCompletionRequestFunctionCall,
        ChatCompletionToolChoiceOption,
        CreateChatCompletionResponse,
        CreateChatCompletionStreamResponse,
        CreateCompletionResponse,
        CreateCompletionStreamResponse,
    )
    from typing_extensions import Unpack

    from drugs_cpp.model.completion_arguments import ChatArguments, CompletionArguments, Messages, Prompt


class CompletionMethods(EngineProperties):
    """The part of :class:`drugs_cpp.Llama` that completes texts and conversations."""

    @overload
    def create_completion(
        self, prompt: Prompt, *, stream: Literal[False] = ..., **options: Unpack[CompletionArguments]
    ) -> CreateCompletionResponse: ...

    @overload
    def create_completion(
        self, prompt: Prompt, *, stream: Literal[True], **options: Unpack[CompletionArguments]
    ) -> Iterator[CreateCompletionStreamResponse]: ...

    @overload
    def create_completion(
        self,
        prompt: Prompt,
        suffix: str | None = ...,
        max_tokens: int | None = ...,
        temperature: float = ...,
        top_p: float = ...,
        min_p: float = ...,
        typical_p: float = ...,
        logprobs: int | None = ...,
        echo: bool = ...,
        stop: str | list[str] | None = ...,
        frequency_penalty: float = ...,
        presence_penalty: float = ...,
        repeat_penalty: float = ...,
        top_k: int = ...,
        stream: bool = ...,
        seed: int | None = ...,
        tfs_z: float = ...,
        mirostat_mode: int = ...,
        mirostat_tau: float = ...,
        mirostat_eta: float = ...,
        model: str | None = ...,
        stopping_criteria: StoppingCriteriaList | None = ...,
        logits_processor: LogitsProcessorList | None = ...,
        grammar: LlamaGrammar | None = ...,
        logit_bias: dict[int, float] | None = ...,
        *,
        xtc_probability: float = ...,
        xtc_threshold: float = ...,
        top_n_sigma: float = ...,
    ) -> CreateCompletionResponse | Iterator[CreateCompletionStreamResponse]: ...

    @with_defaults(llama_cpp.Llama.create_completion, temperature=0.0)
    def create_completion(self, *args: Any, **kwargs: Any) -> Any:
        upstream: Any = super()
        return call_upstream(cast("Any", self), upstream.create_completion, "create_completion", args, kwargs)

    @overload
    def __call__(
        self, prompt: Prompt, *, stream: Literal[False] = ..., **options: Unpack[CompletionArguments]
    ) -> CreateCompletionResponse: ...

    @overload
    def __call__(
        self, prompt: Prompt, *, stream: Literal[True], **options: Unpack[CompletionArguments]
    ) -> Iterator[CreateCompletionStreamResponse]: ...

    @overload
    def __call__(
        self,
        prompt: Prompt,
        suffix: str | None = ...,
        max_tokens: int | None = ...,
        temperature: float = ...,
        top_p: float = ...,
        min_p: float = ...,
        typical_p: float = ...,
        logprobs: int | None = ...,
        echo: bool = ...,
        stop: str | list[str] | None = ...,
        frequency_penalty: float = ...,
        presence_penalty: float = ...,
        repeat_penalty: float = ...,
        top_k: int = ...,
        stream: bool = ...,
        seed: int | None = ...,
        tfs_z: float = ...,
        mirostat_mode: int = ...,
        mirostat_tau: float = ...,
        mirostat_eta: float = ...,
        model: str | None = ...,
        stopping_criteria: StoppingCriteriaList | None = ...,
        logits_processor: LogitsProcessorList | None = ...,
        grammar: LlamaGrammar | None = ...,
        logit_bias: dict[int, float] | None = ...,
        *,
        xtc_probability: float = ...,
        xtc_threshold: float = ...,
        top_n_sigma: float = ...,
    ) -> CreateCompletionResponse | Iterator[CreateCompletionStreamResponse]: ...

    @with_defaults(llama_cpp.Llama.__call__, temperature=0.0)
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        upstream: Any = super()
        return call_upstream(cast("Any", self), upstream.__call__, "__call__", args, kwargs)

    @overload
    def create_chat_completion(
        self, messages: Messages, *, stream: Literal[False] = ..., **options: Unpack[ChatArguments]
    ) -> CreateChatCompletionResponse: ...

    @overload
    def create_chat_completion(
        self, messages: Messages, *, stream: Literal[True], **options: Unpack[ChatArguments]
    ) -> Iterator[CreateChatCompletionStreamResponse]: ...

    @overload
    def create_chat_completion(
        self,
        messages: Messages,
        functions: Sequence[Mapping[str, Any]] | None = ...,
        function_call: ChatCompletionRequestFunctionCall | dict[str, Any] | None = ...,
        tools: Sequence[Mapping[str, Any]] | None = ...,
        tool_choice: ChatCompletionToolChoiceOption | dict[str, Any] | None = ...,
        temperature: float = ...,
        top_p: float = ...,
        top_k: int = ...,
        min_p: float = ...,
        typical_p: float = ...,
        stream: bool = ...,
        stop: str | list[str] | None = ...,
        seed: int | None = ...,
        response_format: Mapping[str, Any] | None = ...,
        max_tokens: int | None = ...,
        presence_penalty: float = ...,
        frequency_penalty: float = ...,
        repeat_penalty: float = ...,
        tfs_z: float = ...,
        mirostat_mode: int = ...,
        mirostat_tau: float = ...,
        mirostat_eta: float = ...,
        model: str | None = ...,
        logits_processor: LogitsProcessorList | None = ...,
        grammar: LlamaGrammar | None = ...,
        logit_bias: dict[int, float] | None = ...,
        logprobs: bool | None = ...,
        top_logprobs: int | None = ...,
        *,
        xtc_probability: float = ...,
        xtc_threshold: float = ...,
        top_n_sigma: float = ...,
    ) -> CreateChatCompletionResponse | Iterator[CreateChatCompletionStreamResponse]: ...

    @with_defaults(llama_cpp.Llama.create_chat_completion, temperature=0.0)
    def create_chat_completion(self, *args: Any, **kwargs: Any) -> Any:
        asked = bound_arguments(llama_cpp.Llama.create_chat_completion, *args, **kwargs)
        if not self.has_chat_template:
            warn_of_fallback(stacklevel=3)
        upstream: Any = super()
        method = upstream.create_chat_completion
        with chat_errors(asked["messages"]):
            return call_upstream(cast("Any", self), method, "create_chat_completion", (), asked)
