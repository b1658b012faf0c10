"""What a sweep's site shows: models, prompts, settings, and the texts of each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.setting import Setting
    from drugs_cpp.study.sweep_store import ModelInfo


@dataclass(frozen=True)
class Text:
    """A text and its measures; None if a measure is not known.

    Attributes:
        setting: index in ``SiteData.settings``.
        seed: of the noise and of the sampler.
        text: as written.
        n_tokens: of the text.
        end: "stop", "length", or "" if it is not known.
        log_likelihood: mean natural log-probability of a token under the sober model.
        parted: index of the first token that differs from the sober text; None also if none does.
        compressibility: compressed size over size.
        repeated: share of 4-grams that occurred before.
        seconds: how long it took.
    """

    setting: int
    seed: int
    text: str
    n_tokens: int | None
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
        measures: name -> value; None if it is not known.
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
        cpu: what the texts were computed with; "" if it is not known.
    """

    title: str
    version: str
    models: Sequence[ModelInfo]
    prompts: Sequence[Prompt]
    settings: Sequence[Setting]
    blocks: Sequence[Block]
    cpu: str
