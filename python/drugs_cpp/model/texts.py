"""Many texts from one prompt, each with a seed, doses and a sampler of its own, decoded together."""

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
        text: what they say.
        ending: "stop" or "length", as ``finish_reason`` of a completion.
        seconds: since its first token was due, without the time that whoever takes the texts takes for them.
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
    """Decode texts; each comes as soon as it is finished. Meanwhile the model may be used by the same thread.

    Args:
        engine: of the model.
        prompt: at least one token, and where its continuations end.
        orders: one for each text.
        max_tokens: new tokens of each.
        n_parallel: texts decoded at a time; the others wait. None: as many as memory has room for, 64 at most.
        dosing: the rules; None: those of the model.

    Raises:
        OptionError: a sampler's number that cannot be used.
        DoseError: a dose at a site that the model lacks.
        ContextOverflowError: the prompt leaves no room in the context.
        MemoryLimitError: not even one sequence, or not ``n_parallel``, fit into memory.
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
    """When nothing was decoded, because a text was handed over."""

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._before = [0.0]  # seconds of all pauses before each one, and of all of them

    @contextmanager
    def one(self) -> Iterator[None]:
        begin = time.monotonic()
        self._begins.append(begin)
        try:
            yield
        finally:
            self._before.append(self._before[-1] + time.monotonic() - begin)

    def since(self, moment: float) -> float:
        """Seconds of the pauses that began after a moment."""
        return self._before[-1] - self._before[bisect_left(self._begins, moment)]
