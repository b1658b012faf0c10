"""``Setting``: all that a text of a sweep is made with, but for its model, its prompt and its seed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.kinds import ISOTROPIC
from drugs_cpp.doses.profile import INTERPOLATE, DoseProfile, ProfilePoint
from drugs_cpp.errors import DoseWarning

#: instead of a site: no dose, and the most likely token
SOBER = "sober"

#: instead of a site: no dose, and tokens that are drawn
SAMPLER = "sampler"

#: the name of the profile that gives each layer the full dose
EVERYWHERE = "all"

#: of ``Llama.variations``, with which they change nothing; others are llama.cpp's own
_NEUTRAL = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}


@dataclass(frozen=True)
class Setting:
    """Where noise is put, how much and of what kind; or the sampler beside which that is seen.

    Attributes:
        site: a name in ``SITES``, "sober" or "sampler".
        dose: largest angle in radians; 0 for "sober" and "sampler".
        profile: name of how the dose depends on depth.
        shape: its points (depth, peakratio); None: every layer gets the full dose.
        mode: what a layer between two points gets: "interpolate", "ceil" or "floor".
        noise: how directions are drawn: "isotropic" or "reference".
        sampler: name and number of each of its options, sorted; those that are not there change nothing.
        max_tokens: the longest text, in tokens; 0: not known.
        dose_inputs: False: the prompt is sober; True: it is dosed, too; "last": its last position is.
        sink: first positions that are never dosed.
    """

    site: str
    dose: float = 0.0
    profile: str = EVERYWHERE
    shape: tuple[tuple[float, float], ...] | None = None
    mode: str = INTERPOLATE
    noise: str = ISOTROPIC
    sampler: tuple[tuple[str, float], ...] = ()
    max_tokens: int = 0
    dose_inputs: bool | str = False
    sink: int = 0

    @property
    def is_dosed(self) -> bool:
        """Whether its texts have noise inside."""
        return self.site not in (SOBER, SAMPLER)

    @property
    def dose_profile(self) -> DoseProfile | None:
        """How the dose depends on depth; None: not at all."""
        return None if self.shape is None else DoseProfile([ProfilePoint(*point) for point in self.shape], self.mode)

    @property
    def drugs(self) -> DRUGS:
        """Its doses."""
        drugs = DRUGS()
        if self.is_dosed:
            drugs.noise = self.noise
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DoseWarning)  # large angles are asked for
                drugs.set_drug_profile(self.dose_profile, None, self.site, self.dose)
        return drugs

    @property
    def sampler_options(self) -> dict[str, float]:
        """Arguments of ``Llama.variations``; the temperature is 0 where there is no sampler."""
        return {"temperature": 0.0, **(_NEUTRAL if self.sampler else {}), **dict(self.sampler)}

    @property
    def label(self) -> str:
        """A few words: ``A 0.3``, ``K 0.2 middle reference``, ``temperature=0.8 min_p=0.1``."""
        if self.site == SAMPLER:
            return " ".join(f"{name}={number:g}" for name, number in self.sampler)
        if self.site == SOBER:
            return SOBER
        profile = "" if self.profile == EVERYWHERE else f" {self.profile}"
        return f"{self.site} {self.dose:g}{profile}" + ("" if self.noise == ISOTROPIC else f" {self.noise}")

    def to_json(self) -> str:
        """Always the same text for the same setting."""
        return json.dumps(asdict(self), sort_keys=True)


def setting_of(values: Mapping[str, Any]) -> Setting:
    """The setting of plain values, as its JSON has them.

    Raises:
        LookupError, TypeError, ValueError: they are no setting's.
    """
    shape = values["shape"]
    return Setting(
        site=str(values["site"]),
        dose=float(values["dose"]),
        profile=str(values["profile"]),
        shape=None if shape is None else tuple((float(depth), float(ratio)) for depth, ratio in shape),
        mode=str(values["mode"]),
        noise=str(values["noise"]),
        sampler=tuple(
            (str(name), number if isinstance(number, int) else float(number)) for name, number in values["sampler"]
        ),
        max_tokens=int(values["max_tokens"]),
        dose_inputs=values["dose_inputs"],
        sink=int(values["sink"]),
    )
