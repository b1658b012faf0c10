"""Generating: a sober prompt, then every new token fed back under the dose; each completion with its seed."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp
import numpy as np
from llama_cpp.llama_tokenizer import LlamaTokenizer

from drugs_cpp import completion
from drugs_cpp.callbacks import GuardedProcessors
from drugs_cpp.decoding import Continuation, DosedDecoding
from drugs_cpp.errors import ContextOverflowError, NoLogitsError, StateError, TokenError
from drugs_cpp.evaluation import RunSeed, check_count
from drugs_cpp.exclusive import exclusive
from drugs_cpp.prefix import repeatable_prefix
from drugs_cpp.sampling import OPTIONS, make_sampler, stop_tokens_of
from drugs_cpp.seed import check_seed, fresh_seed
from drugs_cpp.signatures import with_defaults

if TYPE_CHECKING:
    import numpy.typing as npt

_KEEP = object()  # past_key_values: go on with the cache as it is


class DosedGeneration(DosedDecoding):
    """What makes new tokens, greedily unless a temperature is given."""

    @with_defaults(llama_cpp.Llama.sample, temp=0.0)
    @exclusive
    def sample(self, *args: Any, **kwargs: Any) -> int:
        self._check_open()
        if self._stale:
            self._refresh_logits()
        if self._requires_eval or self.n_tokens == 0:
            raise NoLogitsError("there is nothing to sample from yet: evaluate at least one token first")
        token = int(super().sample(*args, **kwargs))
        if self._processors is not None:
            self._processors.raise_what_happened()
        return token

    def _init_sampler(self, *args: Any, **kwargs: Any) -> Any:
        run = inspect.signature(llama_cpp.Llama._init_sampler).bind(self, *args, **kwargs)
        processors = run.arguments.get("logits_processor")
        self._processors = None if processors is None else GuardedProcessors(processors)
        run.arguments["logits_processor"] = self._processors
        return super()._init_sampler(*run.args[1:], **run.kwargs)

    @with_defaults(llama_cpp.Llama.generate, temp=0.0)
    def generate(
        self, tokens: Sequence[int], *args: Any, **kwargs: Any
    ) -> Generator[int, Sequence[int] | None, None]:
        run = inspect.signature(llama_cpp.Llama.generate).bind(self, tokens, *args, **kwargs)
        run.apply_defaults()
        seed, self._next_seed = self._next_seed, None
        self._check_open()
        self._check_fit(len(tokens), 0 if run.arguments["reset"] else self.n_tokens)
        self._check_sites()
        if run.arguments["reset"]:
            self._begin_run(seed)
            self._begin_clean(tokens)
        else:
            self._noise_seed()
        return self._feed_back(super().generate(*run.args[1:], **run.kwargs))

    def _begin_clean(self, tokens: Sequence[int]) -> None:
        """Keep of the cache only what this run would compute in the same way."""
        sober = self.drugs.is_sober
        if not (sober or self.protect_inputs):
            self.reset()
            return
        self._pending = None
        keep = _first(self._dirty.first(self.n_tokens), self.n_tokens)
        if not sober:
            keep = self._repeatable(tokens, keep)
        if keep < self.n_tokens:
            self._rewind(keep)

    def _repeatable(self, tokens: Sequence[int], keep: int) -> int:
        keep = _first(self._single.first(keep), keep)
        return repeatable_prefix(self.input_ids[:keep], np.asarray(tokens, dtype=np.intc))

    def _feed_back(
        self, run: Generator[int, Sequence[int] | None, None]
    ) -> Generator[int, Sequence[int] | None, None]:
        with contextlib.closing(run), contextlib.suppress(StopIteration):
            self._last_alone = not self.drugs.is_sober
            try:
                with self._exclusive:
                    token = next(run)
            finally:
                self._last_alone = False
            while True:
                extra = yield token
                self._feeding_back = True
                try:
                    with self._exclusive:
                        token = run.send(extra)
                finally:
                    self._feeding_back = False

    @exclusive
    def Dgenerate(
        self,
        input_ids: Sequence[int] | npt.NDArray[np.integer[Any]],
        streamer: Any = None,
        max_new_tokens: int | None = 64,
        past_key_values: Any = _KEEP,
        protect_inputs: bool | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Continue where the last call left off, as the reference's ``Dgenerate``.

        Args:
            input_ids: new token ids, (n,) or (1, n): a list, an array or a tensor. May be empty after a first call.
            streamer: an object with ``put(array)`` and ``end()``, such as ``transformers.TextStreamer``. It gets the
                input, int64 (1, n), and then each new token, int64 (1,).
            max_new_tokens: stop after so many new tokens. None: at the end of the text or of the context.
            past_key_values: None starts from an empty cache.
            protect_inputs: for this call only; None: as the object.
            **kwargs: as ``llama_cpp.Llama.generate``, for example ``logits_processor`` and ``stopping_criteria``.

        Returns:
            The new tokens, with the end-of-text token if there was one.

        Raises:
            ValueError: no tokens to begin with, more than one sequence, or more tokens than the context holds.
        """
        tokens = token_list("input_ids", input_ids)
        limit = self._n_ctx if max_new_tokens is None else check_count("max_new_tokens", max_new_tokens, 1)
        if past_key_values is None:
            self.reset()
        elif past_key_values is not _KEEP:
            raise StateError("past_key_values can only be None, for an empty cache; load_state() brings one back")
        fed_back = [] if self._pending is None else [self._pending]
        self._check_open()
        self._check_fit(len(fed_back + tokens), self.n_tokens)
        self._check_vocabulary(tokens)
        if not tokens and not fed_back and (self._requires_eval or self.n_tokens == 0):
            raise NoLogitsError("there is nothing to continue: give at least one token")
        if streamer is not None:
            streamer.put(np.array([tokens], dtype=np.int64))

        old_protection = self.protect_inputs
        self.protect_inputs = old_protection if protect_inputs is None else bool(protect_inputs)
        try:
            if fed_back:
                self._pending = None
                self.eval(fed_back, dosed=True)
            if self.draft_model is None and set(kwargs) <= set(OPTIONS):
                return self._decode(tokens, limit, streamer, kwargs)
            return self._collect(self.generate(tokens, reset=False, **kwargs), limit, streamer)
        finally:
            self.protect_inputs = old_protection
            if streamer is not None:
                streamer.end()

    def _decode(self, tokens: list[int], limit: int, streamer: Any, options: dict[str, Any]) -> list[int]:
        """In C++; back in Python at every token only where a streamer waits for it."""
        self._check_sites()
        self._noise_seed()
        if tokens:
            self._feed(tokens)
        sampler = make_sampler(self, {"temp": 0.0, **options}, None)
        run = self._begin_sequence(min(limit, self._n_ctx - self.n_tokens + 1), sampler)
        n_told = 0
        while True:
            new_tokens = run.sequence.tokens
            self._pending = new_tokens[-1]
            for token in new_tokens[n_told:] if streamer is not None else ():
                streamer.put(np.array([token], dtype=np.int64))
            n_told = len(new_tokens)
            if run.sequence.end is not None:
                return new_tokens
            try:
                self._continue(run, n_steps=None if streamer is None else 1)
            finally:
                self._pending = run.sequence.tokens[-1]

    def _collect(self, run: Generator[int, Sequence[int] | None, None], limit: int, streamer: Any) -> list[int]:
        new_tokens: list[int] = []
        with contextlib.closing(run):
            for token in run:
                new_tokens.append(token)
                self._pending = token
                if streamer is not None:
                    streamer.put(np.array([token], dtype=np.int64))
                ended = llama_cpp.llama_vocab_is_eog(self._model.vocab, token)
                if ended or len(new_tokens) >= limit or self.n_tokens >= self._n_ctx:
                    break
        return new_tokens

    #
    # completions
    #

    def _create_completion(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        run = inspect.signature(llama_cpp.Llama._create_completion).bind(self, *args, **kwargs)
        run.apply_defaults()
        asked = run.arguments
        seed = check_seed(asked["seed"])
        if seed is None:
            seed = self.drugs.seed
        asked["seed"] = RunSeed(fresh_seed() if seed is None else seed)
        stop_tokens = stop_tokens_of(asked["stopping_criteria"])
        if stop_tokens is None or self._needs_python(asked):
            return self._complete(super()._create_completion(*run.args[1:], **run.kwargs))
        return self._complete_in_cpp(asked, stop_tokens)

    def _needs_python(self, asked: Mapping[str, Any]) -> bool:
        """Whether upstream's loop is needed, for something that looks at every token."""
        callbacks = [asked[name] for name in ("logits_processor", "logprobs", "suffix")]
        others = [self.draft_model, self.cache]
        return (
            any(callback is not None for callback in (*callbacks, *others))
            or self._logits_all
            or len(asked["prompt"]) == 0
            or type(self.tokenizer_) is not LlamaTokenizer
        )

    def _complete_in_cpp(self, asked: Mapping[str, Any], stop_tokens: Sequence[int]) -> Iterator[Any]:
        self._check_open()
        tokens = completion.prompt_tokens(self, asked["prompt"])
        limit = completion.token_limit(asked["max_tokens"], len(tokens), self._n_ctx)
        answer = completion.Answer(self.model_path if asked["model"] is None else asked["model"])
        if self.verbose:
            self._ctx.reset_timings()
        run = self._begin_completion(tokens, limit, asked, stop_tokens)
        sequence = run.sequence
        while sequence.end is None:
            self._continue(run, text=asked["stream"])
            if asked["stream"] and (text := completion.as_text(sequence.take_text())):
                yield answer.chunk(text, None)
        if self.verbose:
            self._ctx.print_timings()
        text = completion.as_text(sequence.take_text())
        reason = completion.finish_reason(sequence.end)
        if asked["stream"]:
            if text:
                yield answer.chunk(text, None)
            yield answer.chunk("", reason)
            return
        if asked["echo"]:
            text = asked["prompt"] + text
        n_new = sequence.n_tokens - (sequence.end == "eos")
        yield answer.shaped([answer.choice(text, reason)], **completion.usage(len(tokens), n_new))

    @exclusive
    def _begin_completion(
        self, tokens: list[int], limit: int, asked: Mapping[str, Any], stop_tokens: Sequence[int]
    ) -> Continuation:
        self._check_vocabulary(tokens)
        self._check_sites()
        self._begin_run(int(asked["seed"]))
        options = {name: asked["temperature" if name == "temp" else name] for name in OPTIONS if name != "penalize_nl"}
        sampler = make_sampler(self, options, asked["logit_bias"])
        self._begin_clean(tokens)
        self._feed_prompt(tokens)
        return self._begin_sequence(limit, sampler, completion.stop_bytes(asked["stop"]), stop_tokens)

    def _complete(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """Upstream's loop, with our errors."""
        with contextlib.closing(cast("Generator[Any, None, None]", chunks)):
            while True:
                self._completing = True
                try:
                    chunk = next(chunks)
                except StopIteration:
                    return
                except ValueError as error:
                    if "exceed context window" not in str(error):
                        raise
                    raise ContextOverflowError(f"{error}: shorten the prompt, or load with a larger n_ctx") from error
                finally:
                    self._completing = False
                yield chunk

    @with_defaults(llama_cpp.Llama.create_completion, temperature=0.0)
    def create_completion(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_completion(*args, **kwargs)

    @with_defaults(llama_cpp.Llama.__call__, temperature=0.0)
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)

    @with_defaults(llama_cpp.Llama.create_chat_completion, temperature=0.0)
    def create_chat_completion(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_chat_completion(*args, **kwargs)


def token_list(what: str, input_ids: Any) -> list[int]:
    """Token ids as a list.

    Raises:
        TokenError: not one sequence, or no whole numbers.
    """
    ids = np.asarray(input_ids)
    if ids.ndim == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 1:
        raise TokenError(f"{what} has shape {ids.shape}: give one sequence, (n,) or (1, n)")
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise TokenError(f"{what} holds {ids.dtype}: token ids are whole numbers (llm.tokenize() makes them)")
    return cast("list[int]", ids.tolist())


def _first(position: int | None, otherwise: int) -> int:
    return otherwise if position is None else position
