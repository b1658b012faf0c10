"""Many texts from one prompt, each with its own seed, doses and sampler, decoded together."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.contexts import sequence_tokens
from drugs_cpp.engine.sampling import make_sampler
from drugs_cpp.engine.scheduler import Task, Variation
from drugs_cpp.model import completion
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.variations import count_slots, decode, token_limits

if TYPE_CHECKING:
    from drugs_cpp.doses.drugs import DRUGS
    from drugs_cpp.engine.dosing import Dosing
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.model.chat_prompt import ChatPrompt


@dataclass(frozen=True)
class TextOrder:
    """A text to be decoded.

    Attributes:
        seed: of its noise and its sampler.
        drugs: its doses.
        options: of its sampler, some of ``OPTIONS``, ``temp`` among them.
    """

    seed: int
    drugs: DRUGS
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """A text that is finished.

    Attributes:
        index: of its order.
        tokens: without the one that ended it.
        text: of these tokens.
        ending: "stop" or "length", as ``finish_reason`` of a completion.
        seconds: since it got a slot, without the time that the caller spent on other texts.
    """

    index: int
    tokens: list[int]
    text: str
    ending: str
    seconds: float


def write_texts(
    engine: Engine,
    prompt: ChatPrompt,
    orders: Sequence[TextOrder],
    max_tokens: int,
    n_parallel: int | None = None,
    dosing: Dosing | None = None,
) -> Iterator[Written]:
    """Decode texts, and yield each as soon as it is finished. In between, the same thread may use the model.

    Args:
        engine: of the model.
        prompt: at least one token, and where its continuations end.
        orders: one for each text.
        max_tokens: new tokens of each.
        n_parallel: texts decoded at a time; the others wait. None: as many as fit in memory, at most 64.
        dosing: the rules; None: those of the model.

    Raises:
        OptionError: a sampler option that cannot be used.
        DoseError: a dose at a site that the model lacks.
        ContextOverflowError: the prompt leaves no room in the context.
        MemoryLimitError: not even one sequence fits into memory, or fewer than ``n_parallel`` do.
        BusyError: another thread is using the model.
    """
    for order in orders:
        check_dose(engine, order.drugs.dosage)
    limit, n_extra = token_limits(engine, len(prompt.tokens), max_tokens)
    n_tokens = sequence_tokens(engine.settings, len(prompt.tokens) + limit + n_extra)
    with engine.session.use():
        n_slots = count_slots(engine, len(orders), n_tokens, n_parallel)
        variations = [
            Variation(index, order.seed, order.drugs, make_sampler(engine.settings, order.seed, order.options))
            for index, order in enumerate(orders)
        ]
    task = Task(prompt.tokens, limit, n_extra, completion.stop_bytes(prompt.stop), prompt.stop_tokens, stream=False)
    return _written(variations, decode(engine, task, variations, n_slots, n_tokens, dosing))


def _written(variations: Sequence[Variation], deltas: Iterator[Any]) -> Iterator[Written]:
    pauses = _Pauses()
    for delta in deltas:
        variation = variations[delta.variation]
        written = Written(
            index=delta.variation,
            tokens=variation.sequence.tokens[: delta.n_new],
            text=completion.as_text(delta.text),
            ending=completion.finish_reason(delta.end) or "",
            seconds=time.monotonic() - variation.began_at - pauses.since(variation.began_at),
        )
        with pauses.one():
            yield written


class _Pauses:
    """Times during which nothing was decoded because the caller had control."""

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._before = [0.0]  # total seconds of the pauses before each one, and finally of all of them

    @contextmanager
    def one(self) -> Iterator[None]:
        begin = time.monotonic()
        self._begins.append(begin)
        try:
            yield
        finally:
            self._before.append(self._before[-1] + time.monotonic() - begin)

    def since(self, moment: float) -> float:
        """Return the total seconds of the pauses that began after a moment."""
        return self._before[-1] - self._before[bisect_left(self._begins, moment)]
