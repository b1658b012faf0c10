"""Ways to vary answers, including those that arXiv 2502.03799 compares."""

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

#: effects of the doses, in nats
EFFECTS = (0.05, 0.2)

#: the temperature in the claim of arXiv 2502.03799
TEMPERATURE = 0.5


@dataclass(frozen=True)
class Noise:
    """Noise without its angle.

    Attributes:
        site: where it is.
        late: whether it is only in the last third of the layers.
        held: whether it stays the same for the whole answer.
        shared: whether all layers share one draw.
    """

    site: str
    late: bool = False
    held: bool = False
    shared: bool = False


#: the claimed noise: in the MLPs of the last third, held, one draw for all layers; and the same in attention
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

#: what is tried if answers are long or time is short
FEW = (Noise("A"), IN_ATTENTION, CLAIMED)

#: also tried with a temperature
MIXED = (IN_ATTENTION, CLAIMED)

TEMPERATURES = (TEMPERATURE, 1.0)


def setting(noise: Noise, angle: float, max_tokens: int, temperature: float = 0.0) -> Setting:
    """Return a dose, with a sampler if a temperature is given."""
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
    """Return a temperature without a dose."""
    return Setting(SAMPLER, sampler=(("temperature", temperature),), max_tokens=max_tokens, dose_inputs="last")


#: the largest angle of a noise with an effect, in radians
Angles = Mapping[tuple[Noise, float], float]


def angles_of(model: Path, kept: Path, noises: Sequence[Noise]) -> Angles:
    """Return the angle for each noise and effect.

    Args:
        model: a GGUF file.
        kept: a JSON file; what is in it is not measured again.
        noises: the kinds of noise.
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
    """Return the default of ``Llama.uncertainty``."""
    return setting(CLAIMED, found[CLAIMED, EFFECTS[0]], max_tokens)


def settings(found: Angles, max_tokens: int, few: bool) -> list[Setting]:
    """Return all settings that are compared; ``few``: only the doses in ``FEW``."""
    return _settings(found, max_tokens, FEW if few else NOISES, EFFECTS, TEMPERATURES)


def settings_of_long(found: Angles, max_tokens: int) -> list[Setting]:
    """Return those that are compared if answers are long: what the claim is about, with the smaller effect."""
    return _settings(found, max_tokens, MIXED, EFFECTS[:1], TEMPERATURES[:1])


def _settings(
    found: Angles, max_tokens: int, noises: Sequence[Noise], effects: Sequence[float], temperatures: Sequence[float]
) -> list[Setting]:
    doses = [setting(noise, found[noise, effect], max_tokens) for noise in noises for effect in effects]
    mixed = [setting(noise, found[noise, effect], max_tokens, TEMPERATURE) for noise in MIXED for effect in effects]
    return [*(sampled(temperature, max_tokens) for temperature in temperatures), *doses, *mixed]
