"""Completions: decoded in C++ where nobody looks at every token, and by upstream's own code elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp
from llama_cpp.llama_tokenizer import LlamaTokenizer

from drugs_cpp.engine.continuation import Continuation
from drugs_cpp.engine.prompt import feed_prompt
from drugs_cpp.engine.sampling import OPTIONS
from drugs_cpp.errors import ContextOverflowError
from drugs_cpp.model import completion

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine

Generate = Callable[..., Generator[int, "Sequence[int] | None", None]]


def needs_python(llm: llama_cpp.Llama, engine: Engine, asked: Mapping[str, Any]) -> bool:
    """Whether upstream's code is needed, for something that looks at every token."""
    callbacks = [asked[name] for name in ("logits_processor", "logprobs", "suffix")]
    return (
        any(callback is not None for callback in (*callbacks, llm.draft_model, llm.cache))
        or engine.settings.logits_all
        or len(asked["prompt"]) == 0
        or type(llm.tokenizer_) is not LlamaTokenizer
    )


def complete_in_cpp(
    engine: Engine, tokens: list[int], asked: Mapping[str, Any], seed: int, stop_tokens: Sequence[int], model_name: str
) -> Iterator[Any]:
    """What upstream's ``_create_completion`` yields, decoded without Python between two tokens.

    Args:
        engine: of the model.
        tokens: of the prompt.
        asked: arguments of upstream's ``_create_completion``, all of them.
        seed: of the run.
        stop_tokens: tokens that end the text, beside those of the vocabulary.
        model_name: for the answer.
    """
    session = engine.session
    session.check_open()
    limit = completion.token_limit(asked["max_tokens"], len(tokens), engine.settings.n_ctx)
    answer = completion.Answer(model_name)
    if engine.settings.verbose:
        session.context.reset_timings()
    with session.use():
        text = _begin(engine, tokens, limit, asked, seed, stop_tokens)
    sequence, stream = text.sequence, asked["stream"]
    while sequence.end is None:
        with session.use():
            text.advance(text=stream)
        if stream and (more := completion.as_text(sequence.take_text())):
            yield answer.chunk(more, None)
    if engine.settings.verbose:
        session.context.print_timings()
    rest = completion.as_text(sequence.take_text())
    reason = completion.finish_reason(sequence.end)
    if stream:
        if rest:
            yield answer.chunk(rest, None)
        yield answer.chunk("", reason)
        return
    whole = asked["prompt"] + rest if asked["echo"] else rest
    n_new = sequence.n_tokens - (sequence.end == "eos")
    yield answer.shaped([answer.choice(whole, reason)], **completion.usage(len(tokens), n_new))


def _begin(
    engine: Engine, tokens: list[int], limit: int, asked: Mapping[str, Any], seed: int, stop_tokens: Sequence[int]
) -> Continuation:
    session = engine.session
    session.check_vocabulary(tokens)
    engine.check_sites()
    options = {name: asked["temperature" if name == "temp" else name] for name in OPTIONS if name != "penalize_nl"}
    run = engine.sampled_run(engine.begin_seed(seed), options, asked["logit_bias"])
    feed_prompt(session, run, tokens)
    return Continuation(session, run, limit, completion.stop_bytes(asked["stop"]), stop_tokens)


class _View:
    """A model as upstream's completion code sees it: what begins a run is bound to that run's seed."""

    def __init__(self, llm: llama_cpp.Llama, generate: Generate, load_positions: Callable[[Any], None]) -> None:
        self._llm = llm
        self.generate = generate
        self.load_state = load_positions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    def set_seed(self, seed: int) -> None:
        """The run has its seed."""


def complete_in_python(
    llm: llama_cpp.Llama, generate: Generate, load_positions: Callable[[Any], None], asked: Mapping[str, Any]
) -> Iterator[Any]:
    """Upstream's own completion code, with our loop and our errors.

    Args:
        llm: the model.
        generate: upstream's ``generate``, of one run.
        load_positions: takes over the cache of a saved state, and leaves the caller's doses and seed.
        asked: arguments of upstream's ``_create_completion``.
    """
    view: Any = _View(llm, generate, load_positions)
    chunks = llama_cpp.Llama._create_completion(view, **asked)
    with contextlib.closing(cast("Generator[Any, None, None]", chunks)):
        while True:
            try:
                chunk = next(chunks)
            except StopIteration:
                return
            except ValueError as error:
                if "exceed context window" not in str(error):
                    raise
                raise ContextOverflowError(f"{error}: shorten the prompt, or load with a larger n_ctx") from error
            yield chunk
