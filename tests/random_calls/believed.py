"""What a sequence must look like after each call: an independent model of tokens, dirty positions and showers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

from drugs_cpp import DRUGS

SITES = ("H", "Q", "K", "V", "A", "pK", "pV")


@dataclass
class Settings:
    """What the user has set.

    Attributes:
        drugs: the doses.
        dose_inputs: prompts are dosed, too.
        sink: number of first positions that are never dosed.
        sober_interval: number of dirty positions after which a shower is due.
    """

    drugs: DRUGS
    dose_inputs: bool = False
    sink: int = 6
    sober_interval: int = 420

    def copy(self) -> Settings:
        return Settings(self.drugs.copy(), self.dose_inputs, self.sink, self.sober_interval)

    @property
    def is_dosed(self) -> bool:
        return self.drugs.multiplier > 0 and any(self.drugs.get_dose_theta(site) > 0 for site in SITES)


@dataclass
class Believed:
    """A sequence of tokens, and which of them are dirty.

    Attributes:
        tokens: the tokens in the cache.
        dirty: for each of them, whether it was computed under a dose.
        pending: the token that ``Dgenerate`` has chosen but not fed back yet.
    """

    tokens: list[int] = field(default_factory=list)
    dirty: list[bool] = field(default_factory=list)
    pending: int | None = None

    def copy(self) -> Believed:
        return copy.deepcopy(self)

    def compute(self, tokens: Sequence[int], settings: Settings, dosed: bool) -> None:
        """Add tokens after the others."""
        for token in tokens:
            self.dirty.append(dosed and settings.is_dosed and len(self.tokens) >= settings.sink)
            self.tokens.append(token)

    def feed_pending(self, settings: Settings) -> None:
        if self.pending is not None:
            self.feed_back([self.pending], settings)
            self.pending = None

    def feed_back(self, tokens: Sequence[int], settings: Settings) -> None:
        """Feed back the tokens of a text one by one, after a shower if one is due."""
        for token in tokens:
            if sum(self.dirty) >= settings.sober_interval:
                self.shower()
            self.compute([token], settings, dosed=True)

    def begin(self, prompt: Sequence[int], settings: Settings) -> None:
        """Replace the sequence by a prompt."""
        self.clear()
        self.compute(prompt, settings, settings.dose_inputs)

    def shower(self) -> None:
        self.dirty = [False] * len(self.tokens)

    def cut(self, n_tokens: int) -> None:
        if n_tokens < len(self.tokens):
            self.pending = None
        del self.tokens[n_tokens:], self.dirty[n_tokens:]

    def clear(self) -> None:
        self.tokens, self.dirty, self.pending = [], [], None
