"""What is compared: methods, and the settings that are tried for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from drugs_cpp.doses.sites import SITES
from drugs_cpp.engine.inputs import Inputs
from drugs_cpp.study.setting import SAMPLER, Setting

#: maximum tokens of a text
MAX_TOKENS = 40

#: the doses that are tried, as effects in nats, with noise drawn afresh for every token
EFFECTS = (0.03, 0.1, 0.3)

#: how long noise stays the same: a token, the whole text
HOLDS = (1, 0)

#: what is dosed: from the first new token on, from the last token of the prompt on, or everything
INPUTS: tuple[Inputs, ...] = (False, "last", True)

#: number of settings of every method
N_SETTINGS = len(EFFECTS) * len(HOLDS) * len(INPUTS)

#: most of them are in the range where texts are not broken yet
_TEMPERATURES = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 1.1, 1.2)

SAMPLERS: Mapping[str, Sequence[Mapping[str, float]]] = {
    "temperature": [{"temperature": temperature} for temperature in _TEMPERATURES],
    "top-p": [
        {"top_p": top_p, "temperature": temperature}
        for top_p, temperature in product((0.8, 0.9, 0.95), (0.3, 0.5, 0.7, 0.85, 1.0, 1.2))
    ],
    "min-p": [
        {"min_p": min_p, "temperature": temperature}
        for min_p, temperature in product((0.02, 0.05, 0.1), (0.7, 1.0, 1.25, 1.5, 2.0, 3.0))
    ],
    "top-n-sigma": [
        {"top_n_sigma": n_sigma, "temperature": temperature}
        for n_sigma, temperature in product((0.5, 1.0, 1.5), (0.7, 1.0, 1.5, 2.0, 3.0, 5.0))
    ],
    "XTC": [
        {"xtc_probability": probability, "xtc_threshold": threshold, "temperature": temperature}
        for probability, threshold, temperature in product((0.5, 1.0), (0.05, 0.1, 0.2), (0.5, 0.7, 1.0))
    ],
}

#: the method that the others are compared with, and its settings that are measured in full, to draw a curve
REFERENCE = "temperature"
_IN_FULL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)


@dataclass(frozen=True)
class Method:
    """A way to make texts differ.

    Attributes:
        name: a sampler or a site.
        settings: the ones that are tried, as many as for every other method.
    """

    name: str
    settings: tuple[Setting, ...]

    @property
    def is_dose(self) -> bool:
        """Whether the method is noise inside the model."""
        return self.name in SITES


def methods(angles: Mapping[tuple[str, float], float]) -> list[Method]:
    """Return all methods; ``angles``: site and effect -> largest angle in radians."""
    found = [Method(site, _doses(site, angles)) for site in SITES]
    return found + [Method(name, tuple(map(_sampler, options))) for name, options in SAMPLERS.items()]


def reference() -> Method:
    """Return the method that the others are compared with, with the settings that are measured in full."""
    return Method(REFERENCE, tuple(_sampler({"temperature": temperature}) for temperature in _IN_FULL))


def _doses(site: str, angles: Mapping[tuple[str, float], float]) -> tuple[Setting, ...]:
    return tuple(
        Setting(site, angles[site, effect], max_tokens=MAX_TOKENS, dose_inputs=inputs, hold=hold)
        for inputs, hold, effect in product(INPUTS, HOLDS, EFFECTS)
    )


def _sampler(options: Mapping[str, float]) -> Setting:
    return Setting(SAMPLER, sampler=tuple(sorted(options.items())), max_tokens=MAX_TOKENS)
