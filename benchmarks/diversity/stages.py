"""The two stages: all settings on a few prompts, then the best ones of each method on all prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.diversity.best import WORST, Point, best, gain
from benchmarks.diversity.broken import why_broken
from benchmarks.diversity.measured import MEASURES, Measured, measure
from benchmarks.diversity.methods import MAX_TOKENS, Method
from benchmarks.report import progress
from drugs_cpp.study.setting import SOBER, Setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from benchmarks.diversity.measured import Instruments
    from benchmarks.diversity.texts import Texts
    from drugs_cpp.study.prompt import Prompt

    Found = Mapping[Setting, Measured]

#: every fifth prompt is screened, with so many texts; then all prompts have so many
SCREENED_EVERY, N_SCREENED, N_FULL = 5, 5, 10

#: the method that others are compared with
REFERENCE = "temperature"

#: the text of a model without noise, for each prompt
PLAIN = Setting(SOBER, max_tokens=MAX_TOKENS)


@dataclass(frozen=True)
class Stage:
    """What is measured.

    Attributes:
        compared: methods with the settings that are looked at.
        prompts: that have texts of all of them.
        n_texts: of each prompt and setting.
    """

    compared: Sequence[Method]
    prompts: Sequence[Prompt]
    n_texts: int

    @property
    def settings(self) -> list[Setting]:
        """Of all methods."""
        return [setting for method in self.compared for setting in method.settings]


def measured(stage: Stage, texts: Texts, using: Instruments) -> Found:
    """All settings of a stage."""
    found = {}
    for n_done, setting in enumerate([PLAIN, *stage.settings]):
        found[setting] = measure(texts.of(setting, stage.prompts, stage.n_texts), using)
        progress("measuring", n_done, len(stage.settings))
    return found


def unbroken(stage: Stage, texts: Texts, prose: float) -> dict[Prompt, list[str]]:
    """By prompt all texts of a stage that are not broken, and the sober ones."""
    found: dict[Prompt, list[str]] = {prompt: [] for prompt in stage.prompts}
    for setting in [PLAIN, *stage.settings]:
        for prompt, rows in texts.of(setting, stage.prompts, stage.n_texts):
            found[prompt] += [row.text for row in rows if why_broken(row, prose) is None]
    return found


def chosen(compared: Sequence[Method], found: Found) -> list[Method]:
    """The methods with their best settings alone."""
    worst = found[PLAIN].mean("log_likelihood") - WORST
    return [replace(method, settings=tuple(_best(method, found, worst))) for method in compared]


def _best(method: Method, found: Found, worst: float) -> list[Setting]:
    points = [Point(found[s].mean("vendi"), found[s].mean("log_likelihood")) for s in method.settings]
    return [method.settings[i] for i in best(points, worst)]


def rows(stage: Stage, found: Found, coherences: Sequence[str]) -> list[dict[str, Any]]:
    """What is kept of a stage: a row for each setting, with means over the prompts and their intervals.

    Args:
        stage: which.
        found: its settings.
        coherences: measures at which diversity is compared with that of a temperature.
    """
    reference = next(method for method in stage.compared if method.name == REFERENCE)
    others = [found[setting] for setting in reference.settings]
    made = [{"method": SOBER, "setting": SOBER, **_plain(found[PLAIN])}]
    for method in stage.compared:
        for setting in method.settings:
            one = found[setting]
            gains = {} if method == reference else {name: _gain(one, others, found, name) for name in coherences}
            about = {"method": method.name, "setting": setting.label, "inputs": setting.dose_inputs}
            made.append({**about, **_plain(one), "gains": gains})
    return made


def _gain(one: Measured, others: Sequence[Measured], found: Found, coherence: str) -> list[float]:
    sober: npt.NDArray[np.float64] = found[PLAIN].values[coherence]
    return _rounded(gain(one, others, sober, coherence))


def _plain(found: Measured) -> dict[str, Any]:
    values = {name: _rounded([found.mean(name)])[0] for name in MEASURES}
    intervals = {f"{name}_interval": _rounded(found.interval(name)) for name in MEASURES}
    return {**values, **intervals, "broken": dict(found.broken), "n_texts": found.n_texts}


def _rounded(numbers: Sequence[float]) -> list[Any]:
    """As they are kept; what was not measured is None."""
    return [None if number != number else round(number, 4) for number in numbers]
