"""``Tracer``: computes a text under several doses and reads what is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drugs_cpp.engine.recorder import Parts, Record, Recorder
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.slots import Slots

#: largest batch whose logits are all computed; more would take memory and be hardly faster
_MOST_OUTPUTS = 64


@dataclass(frozen=True)
class TraceTask:
    """What is computed and read.

    Attributes:
        tokens: of the text, at least one.
        positions: those that are read, ascending.
        parts: what is read at each.
        n_sober: number of first positions that no dose reaches.
    """

    tokens: list[int]
    positions: list[int]
    parts: Parts
    n_sober: int = 0

    @property
    def shares_prompt(self) -> bool:
        """Whether all runs compute the text in the same way except for its last position, the only one that is read."""
        last = len(self.tokens) - 1
        return self.positions == [last] and self.n_sober == last > 0


class Tracer:
    """Computes a text once for each dose, in slots that nothing else uses until it has finished.

    Args:
        slots: where to compute.
        n_slots: how many slots to use.
        task: what to do.
        together: the model can decode several sequences in one batch.
        repeatable: each position gets the same bits in any batch.
    """

    def __init__(self, slots: Slots, n_slots: int, task: TraceTask, together: bool, repeatable: bool) -> None:
        self._slots = slots
        self._shares_prompt = task.shares_prompt and together and slots.has_memory
        self._n_slots = n_slots if self._shares_prompt else 1
        self._task = task
        self._repeatable = repeatable
        self._recorder = Recorder(slots.address, task.parts)

    def run(self, doses: Sequence[SequenceDose | None]) -> Iterator[list[Record]]:
        """Yield, for each dose (None is sober), what was computed at each position."""
        self._slots.take(self)
        self._slots.compute_repeatably(self._repeatable)
        try:
            for first in range(0, len(doses), self._n_slots):
                if self._slots.user is not self:
                    raise StateError("another call has taken the slots, or the model was closed: trace again")
                some = doses[first : first + self._n_slots]
                yield from self._last_positions(some) if self._shares_prompt else [self._whole_text(some[0])]
        finally:
            if self._slots.user is self:
                self._recorder.end()
                self._slots.user = None

    def _last_positions(self, doses: Sequence[SequenceDose | None]) -> list[list[Record]]:
        """Compute the last position under each dose, in one batch, after a prompt that is computed once."""
        prompt, last = self._task.tokens[:-1], self._task.tokens[-1]
        slots = list(range(len(doses)))
        self._slots.set_prompt(prompt)
        for slot, dose in zip(slots, doses):
            self._slots.begin(slot)
            self._slots.dose(slot, dose)
        self._recorder.resume()
        self._slots.evaluate_each(slots, last, len(prompt))
        records = self._recorder.take()
        return [[records[slot, len(prompt)]] for slot in slots]

    def _whole_text(self, dose: SequenceDose | None) -> list[Record]:
        """Compute the whole text in the first slot."""
        tokens, wanted = self._task.tokens, set(self._task.positions)
        self._slots.empty(0)
        self._recorder.resume()
        found: dict[int, Record] = {}
        for first, end in self._batches():
            self._slots.dose(0, dose if first >= self._task.n_sober else None)
            all_are_output = any(position in wanted for position in range(first, end - 1))
            self._slots.evaluate(0, tokens[first:end], first, all_are_output)
            if all_are_output or end - 1 in wanted:
                records = self._recorder.take()
                found.update({position: record for (_, position), record in records.items() if position in wanted})
            self._recorder.clear()
        return [found[position] for position in self._task.positions]

    def _batches(self) -> Iterator[tuple[int, int]]:
        """Yield the parts of the text: it is cut where the doses begin, and so that no batch is too large."""
        n_tokens, n_sober = len(self._task.tokens), self._task.n_sober
        if not self._slots.has_memory:
            yield 0, n_tokens
            return
        most = _MOST_OUTPUTS if len(self._task.positions) > 1 else self._slots.n_batch
        for first, end in ((0, n_sober), (n_sober, n_tokens)):
            for start in range(first, end, min(most, self._slots.n_batch)):
                yield start, min(end, start + min(most, self._slots.n_batch))
