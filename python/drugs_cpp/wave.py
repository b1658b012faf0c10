"""Continuations of one prompt that are decoded together, in waves where they are more than there are places."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drugs_cpp import _core, completion
from drugs_cpp.contexts import decodes_together
from drugs_cpp.errors import StateError
from drugs_cpp.position_flags import PositionFlags
from drugs_cpp.sampling import address

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler

    from drugs_cpp.drugs import DRUGS
    from drugs_cpp.generation import DosedGeneration
    from drugs_cpp.places import Places


class Piece(NamedTuple):
    """What a variation has to say: text, and at its end why it ended."""

    variation: int
    text: str
    end: str | None
    n_new: int


@dataclass
class Variation:
    """One of the continuations.

    Attributes:
        index: its number among them.
        seed: of its noise and its sampler.
        drugs: its doses, shared with the caller as everywhere.
        sampler: what chooses its tokens; None: the most likely one is taken.
    """

    index: int
    seed: int
    drugs: DRUGS
    sampler: LlamaSampler | None
    sequence: _core.Sequence = field(init=False)
    dirty: PositionFlags = field(init=False)


@dataclass(frozen=True)
class Task:
    """What all variations have in common.

    Attributes:
        prompt: its tokens, at least one.
        n_max: new tokens of each.
        stop: strings that end a text.
        stop_tokens: tokens that do.
        stream: pieces are wanted as they come.
    """

    prompt: list[int]
    n_max: int
    stop: list[bytes]
    stop_tokens: list[int]
    stream: bool


class Wave:
    """Decodes variations in the places of a context; one that ends makes room for the next one.

    Args:
        llm: the model: its settings, and how a dose becomes a table.
        places: where.
        n_places: how many of them.
        task: what to do.
    """

    def __init__(self, llm: DosedGeneration, places: Places, n_places: int, task: Task) -> None:
        self._llm = llm
        self._places = places
        self._n_places = n_places
        self._task = task
        self._own_prompts = False  # one that is dosed cannot be shared
        self._active: list[Variation] = []  # each in the place of its index here

    def run(self, variations: Sequence[Variation]) -> Iterator[Piece]:
        """Decode all of them."""
        waiting = deque(variations)
        shared = self._llm.protect_inputs or all(v.drugs.is_sober for v in variations)
        self._own_prompts = not (shared and decodes_together(self._llm))
        self._places.user = self
        done = False
        try:
            while waiting or self._active:
                if self._places.user is not self:
                    raise StateError("another call has begun other variations meanwhile: begin these again")
                while waiting and len(self._active) < self._n_places:
                    self._active.append(waiting.popleft())
                    yield from self._begin(len(self._active) - 1)
                yield from self._clear_places(waiting)
                if self._active:
                    self._step()
                    yield from self._pieces()
                    yield from self._clear_places(waiting)
            done = True
        finally:
            if not done and self._places.user is self:
                self._places.recover()

    def _begin(self, place: int) -> Iterator[Piece]:
        """Let the variation in a place choose its first token, which may be its last."""
        variation = self._active[place]
        variation.dirty = PositionFlags(self._places.n_tokens)
        if self._own_prompts:
            self._places.sober(place)
            is_dosed = not self._llm.protect_inputs and self._dose(place)
            logits = self._places.begin_alone(place, self._task.prompt)
            variation.dirty.mark(self._llm.sink, len(self._task.prompt), is_dosed)
        else:
            logits = self._places.set_prompt(self._task.prompt)
            self._places.begin(place)
        variation.sequence = _core.Sequence(
            place,
            len(self._task.prompt),
            self._task.n_max,
            stop=self._task.stop,
            stop_tokens=self._task.stop_tokens,
            sampler=address(variation.sampler),
        )
        self._places.decoder.choose(variation.sequence, logits)
        if variation.sequence.end is not None:
            yield self._last_piece(variation)

    def _dose(self, place: int) -> bool:
        """Give a place the dose of its variation; False if that is none."""
        variation = self._active[place]
        dosage = variation.drugs.dosage
        table = None if dosage.is_sober else self._llm._table(dosage)
        if table is None or not table.any():
            self._places.sober(place)
            return False
        self._places.dose(place, dosage, table, variation.seed, self._llm.sink)
        return True

    def _step(self) -> None:
        """Decode until there is something to tell, a shower is due, or a dose has changed."""
        self._take_showers()
        drugs = {id(v.drugs): v.drugs for v in self._active}.values()
        unchanged = [(d.changes, d.changes.value) for d in drugs]  # before the doses are looked at
        dosed = [self._dose(place) for place in range(len(self._active))]
        rate = self._llm.get_sobering_rate()
        n_dirty = [v.dirty.count(v.sequence.n_past) for v, is_dosed in zip(self._active, dosed) if is_dosed]
        before = [v.sequence.n_past for v in self._active]
        sequences = [v.sequence for v in self._active]
        try:
            self._places.decoder.run(sequences, rate - max(n_dirty, default=0), unchanged, self._task.stream)
        finally:
            for variation, is_dosed, start in zip(self._active, dosed, before):
                variation.dirty.mark(max(start, self._llm.sink), variation.sequence.n_past, is_dosed)

    def _take_showers(self) -> None:
        for place, variation in enumerate(self._active):
            n_past = variation.sequence.n_past
            first = variation.dirty.first(n_past)
            if first is not None and variation.dirty.count(n_past) >= self._llm.get_sobering_rate():
                tokens = self._task.prompt + variation.sequence.tokens
                self._places.compute_again(place, tokens[:n_past], first)
                variation.dirty.clear()

    def _pieces(self) -> Iterator[Piece]:
        for variation in self._active:
            sequence = variation.sequence
            if sequence.end is not None:
                yield self._last_piece(variation)
            elif self._task.stream and (text := completion.as_text(sequence.take_text())):
                yield Piece(variation.index, text, None, sequence.n_tokens)

    @staticmethod
    def _last_piece(variation: Variation) -> Piece:
        sequence = variation.sequence
        n_new = sequence.n_tokens - (sequence.end == "eos")
        return Piece(variation.index, completion.as_text(sequence.take_text()), sequence.end, n_new)

    def _clear_places(self, waiting: deque[Variation]) -> Iterator[Piece]:
        """Give the places of those that ended to the waiting ones, and then to the last ones in the row."""
        place = 0
        while place < len(self._active):
            if self._active[place].sequence.end is None:
                place += 1
            elif waiting:
                self._active[place] = waiting.popleft()
                yield from self._begin(place)
            else:
                self._fill_with_last(place)

    def _fill_with_last(self, place: int) -> None:
        last = len(self._active) - 1
        variation = self._active.pop()
        self._places.sober(last)
        if place < last:
            self._active[place] = variation
            if variation.sequence.end is None:
                self._places.move(last, place)
                variation.sequence.seq_id = place
