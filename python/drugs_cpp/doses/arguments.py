"""The keyword arguments of :class:`DRUGS`, and of everything else that takes them: names and types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from drugs_cpp.doses.dosage import SETTINGS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.keywords import optional_keywords

if TYPE_CHECKING:
    from drugs_cpp.doses.course import CourseLike
    from drugs_cpp.doses.hold import Hold


class DoseSettings(TypedDict, total=False):
    """All of :class:`DoseArguments` except ``effect``, for functions that set it."""

    H: float | None
    Q: float | None
    K: float | None
    V: float | None
    A: float | None
    pK: float | None
    pV: float | None
    M: float | None
    shape: Mapping[str, Any] | None
    multiplier: float | None
    course: CourseLike
    noise: str | None
    angle: str | None
    turn: str | None
    apart: int | None
    hold: Hold | None
    layers: str | None
    seed: int | None


class DoseArguments(DoseSettings, total=False):
    """What ``DRUGS(...)`` takes by keyword; :class:`DRUGS` describes them. None is the same as leaving it out."""

    effect: str | float | None


#: for signatures
DOSE_KEYWORDS = optional_keywords(DoseArguments, (*SITES, *SETTINGS))
SETTING_KEYWORDS = [keyword for keyword in DOSE_KEYWORDS if keyword.name != "effect"]
