"""``Scheduler``: decodes continuations of one prompt together; those without a slot wait for one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drugs_cpp import _core
from drugs_cpp.engine.inputs import LAST
from drugs_cpp.engine.sampling import address
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler

    from drugs_cpp.doses.drugs import DRUGS
    from drugs_cpp.engine.dosing import Dosing, SequenceDose
    from drugs_cpp.engine.model_sites import ModelSites
    from drugs_cpp.engine.slots import Slots


class Delta(NamedTuple):
    """New text of a variation, and the reason when it has ended."""

    variation: int
    text: bytes
    end: str | None
    n_new: int


@dataclass
class Variation:
    """One of the continuations.

    Attributes:
        index: its number among them.
        seed: of its noise and its sampler.
        drugs: its doses, shared with the caller.
        sampler: what chooses its tokens; None: the most likely one is taken.
        sequence: its new tokens, once it has a slot.
        ledger: which of its positions are dirty.
        began_at: when it got a slot, seconds of ``time.monotonic``.
    """

    index: int
    seed: int
    drugs: DRUGS
    sampler: LlamaSampler | None
    sequence: _core.Sequence = field(init=False)
    ledger: _core.ShowerLedger = field(init=False)
    began_at: float = field(init=False)

    @property
    def n_past(self) -> int:
        """Its tokens in the cache."""
        return self.sequence.n_past

    def last_delta(self) -> Delta:
        """Return the rest of its text after it has ended."""
        n_new = self.sequence.n_tokens - (self.sequence.end == "eos")
        return Delta(self.index, self.sequence.take_text(), self.sequence.end, n_new)


@dataclass(frozen=True)
class Task:
    """What all variations have in common.

    Attributes:
        prompt: its tokens, at least one.
        n_max: largest number of new tokens of each.
        n_extra: further tokens that may complete a character that ``n_max`` would cut.
        stop: strings that end a text.
        stop_tokens: tokens that end a text.
        stream: text is returned as it is generated.
    """

    prompt: list[int]
    n_max: int
    n_extra: int
    stop: list[bytes]
    stop_tokens: list[int]
    stream: bool


class Scheduler:
    """Decodes variations in the slots of a context. When one ends, its slot goes to the next one.

    Args:
        slots: where to decode.
        n_slots: how many slots to use.
        task: what to do.
        dosing: the rules of the model, and its doses if a variation shares them.
        sites: of the model.
        together: whether the model can decode several sequences in one batch.
    """

    def __init__(
        self, slots: Slots, n_slots: int, task: Task, dosing: Dosing, sites: ModelSites, together: bool
    ) -> None:
        self._slots = slots
        self._n_slots = n_slots
        self._task = task
        self._dosing = dosing
        self._sites = sites
        self._together = together
        self._active: list[Variation] = []  # each in the slot of its index here
        self._n_shared = len(task.prompt)  # first tokens of the prompt, which all of them compute in the same way

    def run(self, variations: Sequence[Variation]) -> Iterator[Delta]:
        """Decode all of them."""
        waiting = deque(variations)
        all_are_sober = all(v.drugs.is_sober for v in variations)
        prompt_is_sober = self._dosing.dose_inputs is not True or all_are_sober
        own_prompts = not (prompt_is_sober and self._together)
        self._n_shared = len(self._task.prompt) - (self._dosing.dose_inputs == LAST and not all_are_sober)
        repeatable = self._dosing.repeatable
        if repeatable is None:
            repeatable = not all_are_sober
        self._slots.take(self)
        self._slots.compute_repeatably(repeatable)
        while waiting or self._active:
            self._check_slots()
            while waiting and len(self._active) < self._n_slots:
                self._active.append(waiting.popleft())
                yield from self._begin(len(self._active) - 1, own_prompts)
            yield from self._reuse_slots(waiting, own_prompts)
            if self._active:
                self._step()
                yield from self._deltas()
                yield from self._reuse_slots(waiting, own_prompts)
        if self._slots.user is self:
            self._slots.user = None

    def _check_slots(self) -> None:
        if self._slots.user is not self:
            raise StateError("another call has taken the slots, or the model was closed: begin these variations again")

    def _begin(self, slot: int, own_prompt: bool) -> Iterator[Delta]:
        """Choose the first token of the variation in a slot; it may also be the last one."""
        self._check_slots()
        variation, prompt = self._active[slot], self._task.prompt
        variation.ledger = _core.ShowerLedger()
        variation.began_at = time.monotonic()
        dose = self._dose_of(variation) if self._dosing.dose_inputs else None
        n_sober = 0 if self._dosing.dose_inputs is True else self._n_shared
        if own_prompt or self._n_shared == 0:
            logits = self._slots.begin_alone(slot, prompt, dose, n_sober)
        else:
            logits = self._slots.set_prompt(prompt[: self._n_shared])
            self._slots.begin(slot)
            if self._n_shared < len(prompt):
                logits = self._slots.go_on(slot, prompt[self._n_shared :], self._n_shared, dose)
        variation.ledger.computed(0, n_sober, False, 0)
        variation.ledger.computed(n_sober, len(prompt), dose is not None, self._dosing.sink)
        variation.sequence = _core.Sequence(
            slot,
            len(prompt),
            self._task.n_max,
            n_extra=self._task.n_extra,
            stop=self._task.stop,
            stop_tokens=self._task.stop_tokens,
            sampler=address(variation.sampler),
            ledger=variation.ledger,
        )
        self._slots.decoder.choose(variation.sequence, logits)
        if variation.sequence.end is not None:
            yield variation.last_delta()

    def _dose_of(self, variation: Variation) -> SequenceDose | None:
        return self._dosing.dose(self._sites, variation.seed, len(self._task.prompt), variation.drugs)

    def _step(self) -> None:
        """Decode until there is something to yield, a shower is due, or a dose has changed."""
        self._take_showers()
        drugs = {id(v.drugs): v.drugs for v in self._active}.values()
        unchanged = [(d.changes, d.changes.value) for d in drugs]  # before the doses are read
        doses = [self._dose_of(variation) for variation in self._active]
        for slot, (variation, dose) in enumerate(zip(self._active, doses)):
            self._slots.dose(slot, dose)
            variation.sequence.dosed = dose is not None
            variation.sequence.sink = self._dosing.sink
        sequences = [variation.sequence for variation in self._active]
        interval = self._dosing.sober_interval
        n_steps = self._task.n_max + self._task.n_extra
        self._slots.decoder.run(sequences, n_steps, unchanged, self._task.stream, interval)

    def _take_showers(self) -> None:
        for slot, variation in enumerate(self._active):
            if variation.ledger.is_due(self._dosing.sober_interval):
                tokens = self._task.prompt + variation.sequence.tokens
                self._slots.compute_again(slot, tokens[: variation.n_past], variation.ledger.first_dirty or 0)
                variation.ledger.clear()

    def _deltas(self) -> Iterator[Delta]:
        for variation in self._active:
            sequence = variation.sequence
            if sequence.end is not None:
                yield variation.last_delta()
            elif self._task.stream and (text := sequence.take_text()):
                yield Delta(variation.index, text, None, sequence.n_tokens)

    def _reuse_slots(self, waiting: deque[Variation], own_prompts: bool) -> Iterator[Delta]:
        """Give the slots of variations that ended to waiting ones, and after that to those in the last slots."""
        slot = 0
        while slot < len(self._active):
            if self._active[slot].sequence.end is None:
                slot += 1
            elif waiting:
                self._active[slot] = waiting.popleft()
                yield from self._begin(slot, own_prompts)
            else:
                self._fill_with_last(slot)

    def _fill_with_last(self, slot: int) -> None:
        last = len(self._active) - 1
        variation = self._active.pop()
        if self._slots.user is self:
            self._slots.dose(last, None)
        if slot < last:
            self._active[slot] = variation
            if variation.sequence.end is None:
                self._check_slots()
                self._slots.move(last, slot)
                variation.sequence.seq_id = slot
