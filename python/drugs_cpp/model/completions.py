"""Completions: decoded in C++ if nothing looks at every token, and otherwise by upstream's own code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import llama_cpp
import numpy as np

from drugs_cpp.engine.continuation import Continuation
from drugs_cpp.engine.prompt import feed_prompt
from drugs_cpp.engine.sampling import OPTIONS
from drugs_cpp.errors import ContextOverflowError
from drugs_cpp.model import completion
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.extra_options import without_extras
from drugs_cpp.model.state import cache_alone
from drugs_cpp.model.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy.typing as npt
    from llama_cpp.llama import LlamaState

    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.session import Session

Generate = Callable[..., Generator[int, "Sequence[int] | None", None]]


def needs_python(llm: llama_cpp.Llama, engine: Engine, asked: Mapping[str, Any]) -> bool:
    """Whether upstream's code is needed because something looks at every token."""
    callbacks = [asked[name] for name in ("logits_processor", "logprobs", "suffix")]
    return (
        any(callback is not None for callback in (*callbacks, llm.draft_model, llm.cache))
        or engine.settings.logits_all
        or len(asked["prompt"]) == 0
        or type(llm.tokenizer_) is not Tokenizer
    )


def complete_in_cpp(
    engine: Engine,
    tokens: list[int],
    asked: Mapping[str, Any],
    seed: int | None,
    stop_tokens: Sequence[int],
    model_name: str,
) -> Generator[Any, None, None]:
    """Yield what upstream's ``_create_completion`` yields, decoded without Python between two tokens.

    If it is not streamed, the text is decoded in one go, and no other thread can intervene.

    Args:
        engine: of the model.
        tokens: of the prompt.
        asked: all arguments of upstream's ``_create_completion``, and our additional ones.
        seed: the one that the call was given, or None.
        stop_tokens: tokens that end the text, besides those of the vocabulary.
        model_name: for the answer.
    """
    session, stream = engine.session, asked["stream"]
    limit = completion.token_limit(asked["max_tokens"], len(tokens), engine.settings.n_ctx)
    answer = completion.Answer(model_name)
    with session.use():
        if engine.settings.verbose:
            session.context.reset_timings()
        text = _begin(engine, tokens, limit, asked, seed, stop_tokens)
        if not stream or text.sequence.end is not None:
            _advance(session, text, False)
    sequence = text.sequence
    while sequence.end is None:
        with session.use():
            _advance(session, text, True)
        if more := completion.as_text(sequence.take_text()):
            yield answer.chunk(more, None)
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
    engine: Engine,
    tokens: list[int],
    limit: int,
    asked: Mapping[str, Any],
    seed: int | None,
    stop_tokens: Sequence[int],
) -> Continuation:
    session = engine.session
    session.check_vocabulary(tokens)
    check_dose(engine, engine.dosing.drugs.dosage)
    options = {name: asked["temperature" if name == "temp" else name] for name in OPTIONS if name != "penalize_nl"}
    run = engine.sampled_run(engine.seeds.next(seed), options, asked["logit_bias"])
    feed_prompt(session, run, tokens)
    n_extra = completion.finishing_tokens(limit, len(tokens), engine.settings.n_ctx)
    return Continuation(session, run, limit, completion.stop_bytes(asked["stop"]), stop_tokens, n_extra)


def _advance(session: Session, text: Continuation, until_text: bool) -> None:
    text.advance(text=until_text)
    if session.settings.verbose and text.sequence.end is not None:
        session.context.print_timings()


class _View:
    """The model as upstream's completion code sees it. A run takes its seed itself when it begins."""

    def __init__(self, llm: llama_cpp.Llama, generate: Generate) -> None:
        self._llm = llm
        self.generate = generate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    def set_seed(self, seed: int) -> None:
        """Do nothing, as the run has its own seed."""

    def load_state(self, state: LlamaState) -> None:
        """Load only the positions: a cache hit leaves the caller's doses and seeds as they are."""
        self._llm.load_state(cache_alone(state))


class _EchoingView(_View):
    """For logprobs of the prompt: upstream uses row i for token i after removing the token that begins the text.

    If there is no such token, the rows have to start one later, and the first token has no row.
    """

    @property
    def _scores(self) -> npt.NDArray[np.single]:
        scores: npt.NDArray[np.single] = self._llm.scores[: self._llm.n_tokens]
        begins = self._llm.n_tokens > 0 and self._llm.input_ids[0] == self._llm.token_bos()
        return scores if begins else np.concatenate([scores[:1], scores])


def _with_plain_numbers(value: Any) -> Any:
    """Replace numpy's numbers, which ``json`` does not accept, in an answer."""
    if isinstance(value, dict):
        return {name: _with_plain_numbers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def complete_in_python(
    llm: llama_cpp.Llama, session: Session, generate: Generate, asked: Mapping[str, Any]
) -> Iterator[Any]:
    """Run upstream's own completion code with our loop and our errors.

    If it is not streamed, the text is decoded in one go, and no other thread can intervene.

    Args:
        llm: the model.
        session: the one it works in.
        generate: upstream's ``generate`` for one run, which takes its own seed.
        asked: arguments of upstream's ``_create_completion``; our additional ones are in ``generate``.
    """
    kind = _EchoingView if asked["echo"] and asked["logprobs"] is not None else _View
    view: Any = kind(llm, generate)
    own, _ = without_extras(asked)
    chunks = llama_cpp.Llama._create_completion(view, **own)
    with contextlib.closing(cast("Generator[Any, None, None]", chunks)), _our_errors():
        if asked["stream"]:
            yield from map(_with_plain_numbers, chunks)
            return
        with session.use():
            answer = next(chunks)
        yield _with_plain_numbers(answer)


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "exceed context window" not in str(error) or isinstance(error, ContextOverflowError):
            raise
        raise ContextOverflowError(f"{error}: shorten the prompt, or load with a larger n_ctx") from error
