"""The method of a model that continues one prompt several times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from drugs_cpp.engine.extra_samplers import EXTRA_OPTIONS
from drugs_cpp.model import completion
from drugs_cpp.model.chat_prompt import warn_of_fallback
from drugs_cpp.model.engine_properties import EngineProperties
from drugs_cpp.model.keeping import keeping
from drugs_cpp.model.variations import Wish, check_options, text_to_vary, vary

if TYPE_CHECKING:
    from llama_cpp.llama_grammar import LlamaGrammar
    from typing_extensions import Unpack

    from drugs_cpp.doses.drugs import DrugsLike
    from drugs_cpp.model.completion_arguments import Messages
    from drugs_cpp.model.variation_types import (
        ChatChunk,
        ChatVariations,
        TextChunk,
        TextVariations,
        VariationArguments,
        VariationOptions,
    )


class VariationMethods(EngineProperties):
    """The part of :class:`drugs_cpp.Llama` that varies a text."""

    # of llama_cpp.Llama
    _model: Any
    _chat_handlers: dict[str, Any]
    model_path: str

    @overload
    def variations(
        self,
        prompt: str | Sequence[int],
        messages: None = ...,
        *,
        stream: Literal[False] = ...,
        **options: Unpack[VariationArguments],
    ) -> TextVariations: ...

    @overload
    def variations(
        self,
        prompt: str | Sequence[int],
        messages: None = ...,
        *,
        stream: Literal[True],
        **options: Unpack[VariationArguments],
    ) -> Iterator[TextChunk]: ...

    @overload
    def variations(
        self,
        prompt: None = ...,
        *,
        messages: Messages,
        stream: Literal[False] = ...,
        **options: Unpack[VariationArguments],
    ) -> ChatVariations: ...

    @overload
    def variations(
        self,
        prompt: None = ...,
        *,
        messages: Messages,
        stream: Literal[True],
        **options: Unpack[VariationArguments],
    ) -> Iterator[ChatChunk]: ...

    @overload
    def variations(
        self,
        prompt: str | Sequence[int] | None = ...,
        messages: Messages | None = ...,
        n: int | None = ...,
        seeds: int | Iterable[int | None] | None = ...,
        drugs: DrugsLike | Iterable[DrugsLike] = ...,
        max_tokens: int | None = ...,
        temperature: float = ...,
        stop: str | Sequence[str] | None = ...,
        stream: bool = ...,
        **options: Unpack[VariationOptions],
    ) -> TextVariations | ChatVariations | Iterator[TextChunk] | Iterator[ChatChunk]: ...

    def variations(
        self,
        prompt: str | Sequence[int] | None = None,
        messages: Messages | None = None,
        n: int | None = None,
        seeds: int | Iterable[int | None] | None = None,
        drugs: DrugsLike | Iterable[DrugsLike] = None,
        max_tokens: int | None = 128,
        temperature: float = 0.0,
        stop: str | Sequence[str] | None = None,
        stream: bool = False,
        *,
        top_p: float = 0.95,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        top_k: int = 40,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        xtc_probability: float = EXTRA_OPTIONS["xtc_probability"],
        xtc_threshold: float = EXTRA_OPTIONS["xtc_threshold"],
        top_n_sigma: float = EXTRA_OPTIONS["top_n_sigma"],
        logit_bias: Mapping[int, float] | None = None,
        grammar: LlamaGrammar | None = None,
        response_format: Mapping[str, Any] | None = None,
        n_parallel: int | None = None,
        apart: bool = False,
    ) -> TextVariations | ChatVariations | Iterator[TextChunk] | Iterator[ChatChunk]:
        """Continue one prompt several times, decoded together, each with its own seed and optionally its own doses.

        The prompt is computed once. The model's own cache stays as it is: this uses a separate context, which is
        created and enlarged as needed. The text of a variation depends only on its prompt, seed and doses.

        Args:
            prompt: text or token ids.
            messages: instead of a prompt: a conversation, for the model's chat template.
            n: number of variations. None: the length of ``seeds`` or ``drugs``, otherwise 8.
            seeds: a list with a seed for each variation, in which None means a fresh one; or a number, for consecutive
                seeds from it on. None: the seeds from ``drugs.seed`` on, or each one's own if ``drugs`` is a list;
                otherwise those from the chain's next seed on; otherwise fresh ones.
            drugs: doses for all variations, or a list with doses for each. None: the model's.
            max_tokens: largest number of new tokens of each. None: as many as fit in the model's context.
            temperature: 0 for the most likely token.
            stop: strings that end a text.
            stream: yield pieces as they are generated instead of returning whole texts.
            top_p: this and the following sampler options, up to ``grammar``, are as for ``create_completion``; all
                except the penalties, the bias and the grammar need a temperature above 0.
            response_format: with messages, as for ``create_chat_completion``.
            n_parallel: variations decoded at a time; the others wait. None: as many as fit in memory, at most 64.
            apart: all have the first seed, and their directions are orthogonal to each other, up to as many as a vector
                has elements: see ``DRUGS(apart=...)``. Not at K and V.

        Returns:
            A completion, or a chat completion for messages, in OpenAI's format: a dictionary, which a notebook shows as
            texts with their differences marked. Its choices also have ``seed`` and ``drugs``, the doses in the form of
            ``DRUGS.to_dict``. ``finish_reason`` is "length" if ``max_tokens`` or the context ended a text. With
            ``stream``, an iterator of chunks, each with one choice: its ``index`` says which text it belongs to, and
            the last one of each text has ``finish_reason`` and ``drugs``.

        Raises:
            PromptError: no prompt, an empty one, or both a prompt and messages.
            TokenError: a token that is not in the vocabulary, or numbers that are not tokens.
            OptionError: a temperature, stop string, grammar or other option that cannot be used; several seeds with
                ``apart``.
            CountError: ``n`` or ``n_parallel`` below 1, ``n`` above 100,000, or a list of another length.
            SeedError: a seed out of range.
            DoseError: a dose at a site that the model lacks.
            ContextOverflowError: the prompt leaves no room in the context.
            MemoryLimitError: not even one sequence fits into memory, or fewer than ``n_parallel`` do.
            BusyError: another thread is using the model.
        """
        options = {
            "temp": temperature,
            "top_p": top_p,
            "min_p": min_p,
            "typical_p": typical_p,
            "top_k": top_k,
            "frequency_penalty": frequency_penalty,
            "presence_penalty": presence_penalty,
            "repeat_penalty": repeat_penalty,
            "mirostat_mode": mirostat_mode,
            "mirostat_tau": mirostat_tau,
            "mirostat_eta": mirostat_eta,
            "xtc_probability": xtc_probability,
            "xtc_threshold": xtc_threshold,
            "top_n_sigma": top_n_sigma,
        }
        engine = self.engine
        if messages is not None and not self.has_chat_template:
            warn_of_fallback(stacklevel=2)
        check_options(options, stop, grammar)
        chat = {"stop": stop, "response_format": response_format, "grammar": grammar}
        text = text_to_vary(cast("Any", self), self._model, self._chat_handlers, prompt, messages, chat)
        engine.session.check_vocabulary(text.tokens)
        wish = Wish(n, seeds, drugs, max_tokens, stream, logit_bias, n_parallel, apart)
        answer = completion.Answer(self.model_path, chat=messages is not None)
        varied = vary(engine, text, wish, {**options, "grammar": text.grammar}, answer)
        return keeping(self, varied) if stream else varied
