"""``SweepPlan``: the texts of a sweep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from types import MappingProxyType
from typing import Any

from drugs_cpp.doses.checks import check_count, check_finite
from drugs_cpp.doses.kinds import ISOTROPIC, NOISES
from drugs_cpp.doses.profile import INTERPOLATE, DoseProfile
from drugs_cpp.doses.seed import check_seed
from drugs_cpp.doses.sites import check_site
from drugs_cpp.engine.dosing import DEFAULT_SINK
from drugs_cpp.engine.inputs import Inputs, check_inputs
from drugs_cpp.errors import CountError, DoseError, OptionError, PromptError
from drugs_cpp.study.bands import band_profile
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.setting import EVERYWHERE, SAMPLER, SOBER, Setting

#: radians: those of the reference's samples
DEFAULT_DOSES = (0.01, 0.05, 0.1, 0.15, 0.2, 0.35, 0.5, 0.8, 1.0)

DEFAULT_SITES = ("H", "Q", "K", "V", "A")

DEFAULT_SEEDS = (1, 2, 3, 4, 5)

DEFAULT_MAX_TOKENS = 128

#: named profiles: a part of the layers gets the full dose, and the others get none
PROFILES: Mapping[str, DoseProfile | None] = {
    EVERYWHERE: None,
    "early": band_profile(0.0, 1 / 3),
    "middle": band_profile(1 / 3, 2 / 3),
    "late": band_profile(2 / 3, 1.0),
}

#: options of a sampler, as ``Llama.variations`` takes them
SAMPLER_OPTIONS = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "top_n_sigma",
    "xtc_probability",
    "xtc_threshold",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
)

_WHOLE = ("top_k",)

#: most settings, prompts or seeds of a sweep
_MOST = 100_000


@dataclass(frozen=True)
class SweepPlan:
    """All texts of a sweep: every prompt with every setting and seed, and the sober text, which needs no seed, once.

    Attributes:
        prompts: each with its own name.
        settings: the sober one first.
        seeds: of noise and samplers.
    """

    prompts: tuple[Prompt, ...]
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]

    @property
    def sober(self) -> Setting:
        """The setting whose text the others are compared with."""
        return self.settings[0]

    @property
    def n_cells(self) -> int:
        """Prompts times settings."""
        return len(self.prompts) * len(self.settings)

    @property
    def n_texts(self) -> int:
        """Number of texts of one model."""
        return len(self.prompts) * len(self.texts())

    def texts(self) -> list[tuple[Setting, int]]:
        """Return the setting and seed of each text of a prompt; those of a site are next to each other."""
        return [
            (setting, seed) for setting in self.settings for seed in ((0,) if setting.site == SOBER else self.seeds)
        ]


def make_plan(
    prompts: Sequence[Prompt],
    *,
    sites: Iterable[str] = DEFAULT_SITES,
    doses: Iterable[float] = DEFAULT_DOSES,
    profiles: Mapping[str, DoseProfile | None] = MappingProxyType({EVERYWHERE: None}),
    noise: Iterable[str] = (ISOTROPIC,),
    samplers: Iterable[Mapping[str, float]] = (),
    seeds: Iterable[int] = DEFAULT_SEEDS,
    max_tokens: int = DEFAULT_MAX_TOKENS,
    dose_inputs: Inputs = False,
    sink: int = DEFAULT_SINK,
) -> SweepPlan:
    """Make a plan from what users give.

    Args:
        prompts: one or more.
        sites: to dose, one at a time; none if only samplers are compared.
        doses: largest angles in radians.
        profiles: how a dose depends on depth, by name; None: every layer gets the full dose.
        noise: kinds of noise: "isotropic", "reference".
        samplers: the options of each sampler, which is used without a dose.
        seeds: of noise and samplers.
        max_tokens: largest number of tokens of each text.
        dose_inputs: prompts are dosed as well; "last": only their last position is.
        sink: number of first positions that are never dosed.

    Raises:
        PromptError, DoseError, SeedError, OptionError, CountError: values that cannot be used, or none at all.
    """
    common: dict[str, Any] = {
        "max_tokens": check_count("max_tokens", max_tokens, 1),
        "dose_inputs": check_inputs(dose_inputs),
        "sink": check_count("sink", sink, 0),
    }
    dosed = [
        Setting(site, dose, name, _points(profile), INTERPOLATE if profile is None else profile.mode, kind, **common)
        for site in _values("sites", sites, check_site)
        for name, profile in _values("profiles", profiles.items(), lambda item: item)
        for kind in _values("noise", noise, _check_noise)
        for dose in _values("doses", doses, _check_dose)
    ]
    sampled = [Setting(SAMPLER, sampler=check_sampler(options), **common) for options in samplers]
    if not dosed and not sampled:
        raise CountError("the sweep is empty: give sites, such as A,H, or a sampler, such as temperature=0.8")
    return SweepPlan(
        prompts=_check_prompts(prompts),
        settings=tuple(dict.fromkeys([Setting(SOBER, **common), *dosed, *sampled])),
        seeds=_needed("seeds", _values("seeds", seeds, _check_seed)),
    )


def check_sampler(options: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Return the options of a sampler, sorted.

    Raises:
        OptionError: an unknown option, not a finite number, or no temperature above 0.
    """
    for name, value in options.items():
        if name not in SAMPLER_OPTIONS:
            raise OptionError(f"a sampler has no option {name!r}: give some of {', '.join(SAMPLER_OPTIONS)}")
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise OptionError(f"{name} is {value!r}: give a finite number")
    if not options.get("temperature", 0) > 0:
        raise OptionError(
            f"the sampler {dict(options)} draws nothing: give a temperature above 0, such as temperature=1"
        )
    return tuple(sorted((name, int(value) if name in _WHOLE else float(value)) for name, value in options.items()))


def _values(what: str, given: Iterable[Any], check: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return each value once, in order.

    Raises:
        CountError: none, or too many; there may be no sites.
    """
    found = tuple(dict.fromkeys(check(value) for value in islice(given, _MOST + 1)))
    if len(found) > _MOST:
        raise CountError(f"{what} has more than {_MOST} values: give fewer")
    return found if what == "sites" else _needed(what, found)


def _needed(what: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise CountError(f"{what} is empty: give at least one")
    return values


def _check_dose(dose: object) -> float:
    radians = check_finite("a dose", dose)
    if radians <= 0:
        raise DoseError(f"a dose is {radians:g}: give more than 0 radians; the sober text is always included")
    return radians


def _check_noise(noise: object) -> str:
    if noise not in NOISES:
        raise DoseError(f"unknown noise {noise!r}: give {' or '.join(NOISES)}")
    return str(noise)


def _check_seed(seed: object) -> int:
    checked = check_seed(seed)
    if checked is None:
        raise CountError("a seed is -1: give fixed seeds, so that an interrupted sweep can be continued")
    return checked


def _check_prompts(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    if not prompts:
        raise PromptError("the sweep has no prompt: give at least one")
    names = [prompt.name for prompt in prompts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PromptError(f"two prompts have the name {twice!r}: give each its own name")
    return tuple({prompt.to_json(): prompt for prompt in prompts}.values())


def _points(profile: DoseProfile | None) -> tuple[tuple[float, float], ...] | None:
    return None if profile is None else tuple((point.depth, point.peakratio) for point in profile.points)
