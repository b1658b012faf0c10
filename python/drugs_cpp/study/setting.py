"""``Setting``: everything that a text of a sweep is made with, except its model, prompt and seed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drugs_cpp.doses.dosage import OWN
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.hold import TEXT
from drugs_cpp.doses.kinds import ISOTROPIC
from drugs_cpp.doses.profile import INTERPOLATE, DoseProfile, ProfilePoint
from drugs_cpp.errors import DoseWarning

#: instead of a site: no dose, and the most likely tokens
SOBER = "sober"

#: instead of a site: no dose, and tokens that are drawn
SAMPLER = "sampler"

#: the name of the profile that gives each layer the full dose
EVERYWHERE = "all"

#: values for ``Llama.variations`` at which options have no effect; other defaults are llama.cpp's own
_NEUTRAL = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}


@dataclass(frozen=True)
class Setting:
    """Where noise is added, how much and of what kind; or a sampler for comparison.

    Attributes:
        site: a name in ``SITES``, "sober" or "sampler".
        dose: largest angle in radians; 0 for "sober" and "sampler".
        profile: name of the profile, which says how the dose depends on depth.
        shape: its points (depth, peakratio); None: every layer gets the full dose.
        mode: what a layer between two points gets: "interpolate", "ceil" or "floor".
        noise: how directions are drawn: "isotropic" or "reference".
        sampler: name and value of each of its options, sorted; other options have no effect.
        max_tokens: length of the longest text in tokens; 0: not known.
        dose_inputs: False: the prompt is sober; True: it is dosed as well; "last": only its last position is.
        sink: number of first positions that are never dosed.
        hold: for how many tokens angle and direction of a turn stay the same; 0: the whole text.
        layers: "own": each layer draws its own angles and directions; "shared": all layers have the same ones.
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
    hold: int = 1
    layers: str = OWN

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
                warnings.simplefilter("ignore", DoseWarning)  # large angles are intended
                drugs.set_drug_profile(self.dose_profile, None, self.site, self.dose)
            drugs.hold = self.hold or TEXT
            drugs.layers = self.layers
        return drugs

    @property
    def sampler_options(self) -> dict[str, float]:
        """Arguments of ``Llama.variations``; the temperature is 0 if there is no sampler."""
        return {"temperature": 0.0, **(_NEUTRAL if self.sampler else {}), **dict(self.sampler)}

    @property
    def label(self) -> str:
        """A few words: ``A 0.3``, ``K 0.2 middle reference``, ``M 0.2 held``, ``temperature=0.8 min_p=0.1``."""
        sampler = [f"{name}={number:g}" for name, number in self.sampler]
        if not self.is_dosed:
            return " ".join(sampler) if self.site == SAMPLER else SOBER
        held = {1: "", 0: "held"}.get(self.hold, f"held {self.hold}")
        kinds = {self.profile: EVERYWHERE, self.noise: ISOTROPIC, held: "", f"{self.layers} layers": f"{OWN} layers"}
        unusual = [kind for kind, usual in kinds.items() if kind != usual]
        return " ".join([self.site, f"{self.dose:g}", *unusual, *sampler])

    def to_json(self) -> str:
        """Return JSON that is always the same for the same setting. Newer fields are left out at their defaults."""
        left_out = [("hold", 1), ("layers", OWN)]
        values = {name: value for name, value in asdict(self).items() if (name, value) not in left_out}
        return json.dumps(values, sort_keys=True)


def setting_of(values: Mapping[str, Any]) -> Setting:
    """Make a setting from plain values, as in its JSON.

    Raises:
        LookupError, TypeError, ValueError: they are not those of a setting.
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
        hold=int(values.get("hold", 1)),
        layers=str(values.get("layers", OWN)),
    )
