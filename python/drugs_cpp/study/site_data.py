"""What a site of a sweep shows: models, prompts, settings, and the texts that each setting gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: the sites of settings without a dose: greedy or not, and the samplers that doses are compared with
SOBER, SAMPLER = "sober", "sampler"


@dataclass(frozen=True)
class Model:
    """A model file.

    Attributes:
        name: of the model; its quantizations have the same one.
        quantization: such as "Q4_1".
        architecture: such as "llama".
        sha256: of the file; "" where it is not known.
    """

    name: str
    quantization: str
    architecture: str
    sha256: str


@dataclass(frozen=True)
class Prompt:
    """What models were given.

    Attributes:
        name: short, and another one for each prompt.
        messages: (role, content) pairs; () for a raw text to continue.
        text: what is shown, and what is continued if there are no messages.
    """

    name: str
    messages: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Setting:
    """What a text was written with, but for its seed.

    Attributes:
        site: of the dose, or ``SOBER``, or ``SAMPLER``.
        dose: largest angle in radians; 0 without a dose.
        profile: name of the profile; "all": every layer alike.
        shape: (depth, peakratio) of the profile's points; None: every layer alike.
        mode: of the profile, as in ``drugs_cpp.doses.profile``.
        noise: "isotropic" or "reference".
        sampler: options of the sampler; empty: greedy.
        max_tokens: length of a text at most.
        dose_inputs: False, True or "last".
        sink: number of first positions that are never dosed.
    """

    site: str
    dose: float
    profile: str
    shape: tuple[tuple[float, float], ...] | None
    mode: str
    noise: str
    sampler: Mapping[str, float]
    max_tokens: int
    dose_inputs: bool | str
    sink: int


@dataclass(frozen=True)
class Text:
    """A text, and what was measured of it; None where that is not known.

    Attributes:
        setting: index in ``SiteData.settings``.
        seed: of the noise and of the sampler.
        text: as written.
        n_tokens: of the text.
        end: "eos", "stop" or "length".
        log_likelihood: mean natural log-probability of a token under the sober model.
        parted: index of the first token that differs from the sober text; None also where none does.
        compressibility: compressed size over size.
        repeated: share of 4-grams that occurred before.
        seconds: that it took.
    """

    setting: int
    seed: int
    text: str
    n_tokens: int
    end: str
    log_likelihood: float | None
    parted: int | None
    compressibility: float | None
    repeated: float | None
    seconds: float | None


@dataclass(frozen=True)
class Cell:
    """What the texts of one setting have in common.

    Attributes:
        setting: index in ``SiteData.settings``.
        n_texts: number of its texts.
        measures: name -> value; None where it is not known.
    """

    setting: int
    n_texts: int
    measures: Mapping[str, float | None]


@dataclass(frozen=True)
class Block:
    """All texts of a model and a prompt.

    Attributes:
        model: index in ``SiteData.models``.
        prompt: index in ``SiteData.prompts``.
        cells: one for each setting that has texts.
        texts: in any order.
    """

    model: int
    prompt: int
    cells: Sequence[Cell]
    texts: Sequence[Text]


@dataclass(frozen=True)
class SiteData:
    """A site.

    Attributes:
        title: of the sweep.
        version: of drugs_cpp.
        models, prompts, settings: what blocks refer to.
        blocks: one for each pair of a model and a prompt that has texts.
        cpu: what texts were computed with; "" where it is not known.
    """

    title: str
    version: str
    models: Sequence[Model]
    prompts: Sequence[Prompt]
    settings: Sequence[Setting]
    blocks: Sequence[Block]
    cpu: str
