"""``trace`` and ``traces``: checks of their arguments, and their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_count
from drugs_cpp.doses.drugs import DRUGS, as_drugs
from drugs_cpp.doses.seed import check_seed, consecutive_seeds, fresh_seed
from drugs_cpp.engine.contexts import sequence_tokens
from drugs_cpp.engine.recorder import Parts, Record
from drugs_cpp.engine.tracing import Tracer, TraceTask
from drugs_cpp.errors import ContextOverflowError, CountError, OptionError, PromptError
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.traces.content import most_likely
from drugs_cpp.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from drugs_cpp.doses.dosage import Dosage
    from drugs_cpp.engine.engine import Engine

    F32 = npt.NDArray[np.float32]

ALL, LAST = "all", "last"

#: one number, several, or all of them; negative numbers count from the end
Choice = Union[int, str, Iterable[int]]

#: runs computed together; more would gain little and take memory
MOST_SLOTS = 32


@dataclass(frozen=True)
class Look:
    """What a user wants to look at; see :meth:`drugs_cpp.Llama.trace`."""

    layers: Choice = ALL
    positions: Choice = LAST
    dosed: str = ALL
    top_k: int = 10
    heads: Choice = ()
    attention: Choice = ()


def chosen(what: str, given: Choice, n: int) -> list[int]:
    """Return the chosen numbers from 0 to n - 1, ascending, each once.

    Raises:
        OptionError: not numbers, "all" or "last", or numbers out of range.
    """
    if isinstance(given, str):
        if given not in (ALL, LAST):
            raise OptionError(f'{what} is {given!r}: give "all", "last", a number or a list of numbers')
        return list(range(n)) if given == ALL else [n - 1]
    numbers = [given] if isinstance(given, (int, np.integer)) else given
    if not isinstance(numbers, Iterable):
        raise OptionError(f'{what} is {given!r}: give "all", "last", a number or a list of numbers')
    found = set()
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not -n <= number < n:
            raise OptionError(f"{what}: {number!r} is not one of them: they go from 0 to {n - 1}, or from -{n} to -1")
        found.add(int(number) % n)
    return sorted(found)


def task_of(engine: Engine, tokens: list[int], look: Look, any_dosed: bool) -> TraceTask:
    """Return what to compute and to read.

    Raises:
        PromptError: no position that a dose could reach.
        ContextOverflowError: the text is longer than any context of the model.
        OptionError, CountError: an invalid choice.
    """
    n_layer = _core.n_layer(engine.session.address)
    if look.dosed not in (ALL, LAST):
        raise OptionError(f'dosed is {look.dosed!r}: give "all" or "last"')
    if any_dosed and len(tokens) <= engine.dosing.sink:
        raise nothing_dosed(len(tokens), engine.dosing.sink)
    most = max(engine.settings.n_ctx, engine.settings.n_ctx_train)
    if len(tokens) > most:
        raise ContextOverflowError(f"the text has {len(tokens)} tokens, but a context holds {most} at most: shorten it")
    check_count("top_k", look.top_k, 0)
    parts = Parts(
        chosen("layers", look.layers, n_layer + 1),
        chosen("heads", look.heads, n_layer),
        chosen("attention", look.attention, n_layer),
    )
    positions = chosen("positions", look.positions, len(tokens))
    if not positions or not parts.layers:
        raise OptionError("nothing to trace: name at least one position and one layer")
    return TraceTask(tokens, positions, parts, len(tokens) - 1 if look.dosed == LAST else 0)


def nothing_dosed(n_tokens: int, sink: int) -> PromptError:
    """Return the error for a text that ends before the first position past the sink."""
    tokens = "1 token" if n_tokens == 1 else f"{n_tokens} tokens"
    return PromptError(
        f"the text has {tokens}, and the first {sink} are never dosed: give a longer text, or a smaller sink (sink=0, "
        "or --sink 0)"
    )


def runs_of(engine: Engine, n: int | None, seeds: Any, drugs: Any) -> list[tuple[int, DRUGS]]:
    """Return the seed and doses of each run. The model's chain of seeds does not move on.

    Raises:
        CountError, SeedError, DoseError: values that cannot be used.
    """
    seeds, drugs = (list(given) if _is_list(given) else given for given in (seeds, drugs))
    lengths = {len(given) for given in (seeds, drugs) if isinstance(given, list)} | ({n} if n is not None else set())
    if len(lengths) > 1:
        raise CountError(f"n, seeds and drugs are of different lengths: {sorted(lengths)}")
    n = check_count("n", lengths.pop() if lengths else 1, 1, "traces")
    all_drugs = [as_drugs(one) for one in drugs] if isinstance(drugs, list) else [_or_set(engine, drugs)] * n
    for one in all_drugs:
        check_dose(engine, one.dosage)
    if isinstance(seeds, list):
        checked = [check_seed(seed) for seed in seeds]
        return [(fresh_seed() if seed is None else seed, one) for seed, one in zip(checked, all_drugs)]
    first = check_seed(seeds)
    if first is not None:
        return list(zip(consecutive_seeds(first, n), all_drugs))
    own = [engine.seeds.in_use if one.seed is None else one.seed for one in all_drugs]
    return [(fresh_seed() if seed is None else seed, one) for seed, one in zip(own, all_drugs)]


def compute(
    engine: Engine,
    task: TraceTask,
    runs: Sequence[tuple[int, DRUGS]],
    n_parallel: int | None = None,
) -> Iterator[tuple[int, DRUGS, list[Record]]]:
    """Yield for each run its seed, its doses, and what was computed at each position.

    Raises:
        MemoryLimitError: not even one sequence fits into memory.
        BusyError: another thread is using the model.
    """
    n_before = len(task.tokens)
    doses = [engine.dosing.dose(engine.sites, seed, n_before, drugs) for seed, drugs in runs]
    records: Iterator[list[Record]] | None = None
    for seed, drugs in runs:
        with engine.session.use():
            if records is None:
                records = _tracer(engine, task, len(runs), n_parallel).run(doses)
            found = next(records)
        yield seed, drugs, found


def _tracer(engine: Engine, task: TraceTask, n_runs: int, n_parallel: int | None) -> Tracer:
    n_tokens = sequence_tokens(engine.settings, len(task.tokens))
    most = MOST_SLOTS if n_parallel is None else n_parallel
    together = task.shares_prompt and engine.settings.decodes_together
    n_slots = engine.slots.count(min(n_runs, most) if together else 1, n_tokens, at_least=1)
    slots = engine.slots.open(n_slots, n_tokens)
    if not slots.has_memory:
        _check_one_batch(engine, task)
    given = engine.dosing.repeatable
    repeatable = _core.can_repeat(slots.address) if given is None else given
    return Tracer(slots, n_slots, task, engine.settings.decodes_together, repeatable)


def _check_one_batch(engine: Engine, task: TraceTask) -> None:
    """Refuse what needs more than one batch, because here, as in encoders, each batch is computed independently."""
    most = min(engine.settings.n_batch, engine.settings.context_params.n_ubatch)
    if len(task.tokens) > most:
        raise ContextOverflowError(
            f"this model reads a text in one batch, but {len(task.tokens)} tokens do not fit into one of {most}: "
            f"shorten the text, or load the model with n_batch={len(task.tokens)} and n_ubatch={len(task.tokens)}"
        )
    if task.n_sober:
        raise OptionError(
            'this model reads a text in one batch, so its last position cannot be dosed alone: use dosed="all"'
        )


@dataclass(frozen=True)
class Maker:
    """Makes traces from records.

    Attributes:
        task: what was read.
        look: what was requested.
        model_path: of the model.
        pieces: text of each token of the prompt.
        piece: returns the text of a token.
        lens_of: applies the model's final norm and head to vectors.
        describe: returns plain values of doses, including angles.
    """

    task: TraceTask
    look: Look
    model_path: str
    pieces: tuple[str, ...]
    piece: Callable[[int], str]
    lens_of: Callable[[F32], F32]
    describe: Callable[[Dosage], dict[str, Any]]

    def trace(self, seed: int, drugs: DRUGS, records: Sequence[Record]) -> Trace:
        """Return the trace of a run."""
        logits = _stacked([record.logits for record in records])
        return Trace(
            tokens=tuple(self.task.tokens),
            pieces=self.pieces,
            positions=np.array(self.task.positions, np.int32),
            layers=np.array(self.task.parts.layers, np.int32),
            hidden=np.stack([record.hidden for record in records]),
            norm=_stacked([record.norm for record in records]),
            logits=logits,
            tops=[] if logits is None else [most_likely(row, self.look.top_k, self.piece) for row in logits],
            heads={layer: np.stack([r.heads[layer] for r in records]) for layer in self.task.parts.heads},
            attention={layer: self._weights(records, layer) for layer in self.task.parts.attention},
            drugs=None if drugs.is_sober else self.describe(drugs.dosage),
            seed=None if drugs.is_sober else seed,
            dosed=self.look.dosed,
            model=Path(self.model_path).name,
            lens_of=self.lens_of,
        )

    def _weights(self, records: Sequence[Record], layer: int) -> F32:
        """Return attention weights over all tokens of the text; later tokens have a weight of 0."""
        all_weights = [record.attention[layer] for record in records]
        weights = np.zeros((len(records), len(all_weights[0]), len(self.task.tokens)), np.float32)
        for row, some in zip(weights, all_weights):
            n = min(row.shape[1], some.shape[1])
            row[:, :n] = some[:, :n]
        return weights


def lens(engine: Engine, hidden: npt.ArrayLike) -> F32:
    """Apply the final norm and the head to vectors; see :meth:`drugs_cpp.Llama.lens`."""
    vectors = np.ascontiguousarray(hidden, np.float32)
    with engine.session.use():
        engine.slots.count(1, 1, at_least=1)
        slots = engine.slots.open(1, 1)
        rows = vectors.reshape(-1, vectors.shape[-1]) if vectors.ndim else vectors
        return _core.trace_lens(slots.address, rows).reshape(*vectors.shape[:-1], -1)


def _stacked(rows: Sequence[F32 | None]) -> F32 | None:
    there = [row for row in rows if row is not None]
    return np.stack(there) if len(there) == len(rows) else None


def _or_set(engine: Engine, drugs: Any) -> DRUGS:
    return engine.dosing.drugs if drugs is None else as_drugs(drugs)


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))
