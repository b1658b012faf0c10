"""``Seeds``: which seed each run of a model gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drugs_cpp.doses.seed import FRESH, check_seed, derived_seed, fresh_seed

if TYPE_CHECKING:
    from drugs_cpp.engine.dosing import Dosing


class SeedChain:
    """Seeds, each derived from the one before it, as in llama-cpp-python.

    Args:
        seed: the first seed.

    Attributes:
        last: the seed that was set, or that was used last.
    """

    def __init__(self, seed: int) -> None:
        self.last = seed

    def move_on(self) -> int:
        """Return the next seed, and make it the last one."""
        self.last = derived_seed(self.last)
        return self.last


@dataclass(frozen=True)
class RunSeed:
    """The seed of a run, and what was set when the run took it.

    Attributes:
        seed: of its noise and its sampler.
        dose_seed: what ``drugs.seed`` was.
        chain: the model's; None: it had none.
    """

    seed: int
    dose_seed: int | None
    chain: SeedChain | None


class Seeds:
    """The seed that a run is given, otherwise that of the doses, otherwise the chain's, otherwise a fresh one.

    A chain goes on from the seed of the last run, wherever that came from.

    Args:
        dosing: its doses may have a seed.

    Attributes:
        chain: from the seed that is set for the model; None: no seed is set.
        last_run: the seed of the last run; None before the first one.
    """

    def __init__(self, dosing: Dosing) -> None:
        self._dosing = dosing
        self.chain: SeedChain | None = None
        self.last_run: RunSeed | None = None

    def set(self, seed: int | None) -> None:
        """Begin a chain; None: runs draw fresh seeds. A seed of the doses is removed."""
        self.chain = None if seed is None else SeedChain(seed)
        drugs = self._dosing.drugs
        if drugs.seed is not None:
            drugs.seed = None

    def go_on_from(self, seed: int) -> None:
        """Take over the chain of a plain ``llama_cpp.Llama``; its default seed means fresh ones here."""
        own = check_seed(seed % (FRESH + 1))
        self.chain = None if own is None else SeedChain(own)

    @property
    def last(self) -> int | None:
        """The seed of the last run; before the first one, the seed that is set, or None."""
        return self._set_now() if self.last_run is None else self.last_run.seed

    @property
    def running(self) -> int | None:
        """The seed of the current run; None if there was no run yet, or if a seed was set since."""
        run = self.last_run
        if run is None or run.chain is not self.chain or run.dose_seed != self._dosing.drugs.seed:
            return None
        return run.seed

    @property
    def in_use(self) -> int | None:
        """The seed of the current run, otherwise the one that is set, or None."""
        running = self.running
        return self._set_now() if running is None else running

    def next(self, given: int | None = None) -> int:
        """Return the seed of a new call: its own, that of the doses, the next one of the chain, or a fresh one."""
        return self._begin(given, moves_on=True)

    def begin(self) -> int:
        """Return the seed of a new token-by-token generation, which takes the chain's current seed."""
        return self._begin(None, moves_on=False)

    def current(self) -> int:
        """Return the seed of the current run, or otherwise that of a new one."""
        running = self.running
        return self.begin() if running is None else running

    def first_of_several(self) -> int | None:
        """Return the seed of the first of several texts that are not runs of the model itself; None: fresh ones."""
        own = self._dosing.drugs.seed
        return own if own is not None or self.chain is None else self.chain.move_on()

    def _begin(self, given: int | None, moves_on: bool) -> int:
        dose_seed, chain = self._dosing.drugs.seed, self.chain
        seed = dose_seed if given is None else given
        if chain is None:
            seed = fresh_seed() if seed is None else seed
        elif seed is not None:
            chain.last = seed
        else:
            seed = chain.move_on() if moves_on else chain.last
        self.last_run = RunSeed(seed, dose_seed, chain)
        return seed

    def _set_now(self) -> int | None:
        own = self._dosing.drugs.seed
        return own if own is not None or self.chain is None else self.chain.last
