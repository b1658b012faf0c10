"""Ways to vary answers, among them what is claimed in arXiv 2502.03799."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import drugs_cpp
from benchmarks.report import progress
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.study.setting import SAMPLER, Setting
from drugs_cpp.study.sweep_plan import PROFILES

#: nats
EFFECTS = (0.05, 0.2)

#: of the claim
TEMPERATURE = 0.5


@dataclass(frozen=True)
class Noise:
    """Noise without its angle.

    Attributes:
        site: where.
        late: in the last third of the layers alone.
        held: for the whole answer.
        shared: one draw for all layers.
    """

    site: str
    late: bool = False
    held: bool = False
    shared: bool = False


#: what the claim is about: in the MLPs of the last third, held, one draw for all layers; and the same in attention
CLAIMED = Noise("M", late=True, held=True, shared=True)
IN_ATTENTION = replace(CLAIMED, site="A")

NOISES = (
    Noise("A"),
    Noise("A", held=True),
    Noise("H", held=True),
    Noise("K"),
    Noise("M", held=True),
    IN_ATTENTION,
    CLAIMED,
)

#: what is tried where answers are long, or time is short
FEW = (Noise("A"), IN_ATTENTION, CLAIMED)

#: with a temperature as well
MIXED = (IN_ATTENTION, CLAIMED)

TEMPERATURES = (TEMPERATURE, 1.0)


def setting(noise: Noise, angle: float, max_tokens: int, temperature: float = 0.0) -> Setting:
    """A dose, with the sampler beside it where there is a temperature."""
    profile = PROFILES["late"] if noise.late else None
    return Setting(
        noise.site,
        angle,
        profile="late" if noise.late else "all",
        shape=None if profile is None else tuple((point.depth, point.peakratio) for point in profile.points),
        mode="interpolate" if profile is None else profile.mode,
        sampler=(("temperature", temperature),) if temperature else (),
        max_tokens=max_tokens,
        dose_inputs="last",
        hold=0 if noise.held else 1,
        layers="shared" if noise.shared else "own",
    )


def sampled(temperature: float, max_tokens: int) -> Setting:
    """A temperature alone."""
    return Setting(SAMPLER, sampler=(("temperature", temperature),), max_tokens=max_tokens, dose_inputs="last")


#: the largest angle of a noise with an effect, in radians
Angles = Mapping[tuple[Noise, float], float]


def angles_of(model: Path, kept: Path, noises: Sequence[Noise]) -> Angles:
    """Of each noise and effect.

    Args:
        model: a GGUF file.
        kept: a JSON file; what it has is not measured again.
        noises: which.
    """
    wanted = {_name(noise, effect): (noise, effect) for noise in noises for effect in EFFECTS}
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    missing = [name for name in wanted if name not in found]
    if missing:
        with contextlib.closing(drugs_cpp.Llama(model, n_ctx=512, verbose=False)) as llm:
            for n_done, name in enumerate(missing, 1):
                found[name] = _angle(llm, *wanted[name])
                kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                progress("titrating", n_done, len(missing))
    return {wanted[name]: found[name] for name in wanted}


def _name(noise: Noise, effect: float) -> str:
    kinds = [kind for kind in ("late", "held", "shared") if getattr(noise, kind)]
    return " ".join([noise.site, *kinds, f"{effect:g}"])


def _angle(llm: drugs_cpp.Llama, noise: Noise, effect: float) -> float:
    drugs: DRUGS = setting(noise, 1.0, 1).drugs
    return float(f"{llm.titrate(kl=effect, drugs=drugs).angle:.4g}")


def usual(found: Angles, max_tokens: int) -> Setting:
    """What ``Llama.uncertainty`` takes if nothing else is given."""
    return setting(CLAIMED, found[CLAIMED, EFFECTS[0]], max_tokens)


def settings(found: Angles, max_tokens: int, few: bool) -> list[Setting]:
    """All that are compared; ``few``: of the doses only ``FEW``."""
    noises = FEW if few else NOISES
    doses = [setting(noise, found[noise, effect], max_tokens) for noise in noises for effect in EFFECTS]
    mixed = [setting(noise, found[noise, effect], max_tokens, TEMPERATURE) for noise in MIXED for effect in EFFECTS]
    return [*(sampled(temperature, max_tokens) for temperature in TEMPERATURES), *doses, *mixed]
