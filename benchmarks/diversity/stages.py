"""The two stages: all settings on a few prompts, then the best ones of each method on all other prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.diversity.best import WORST, Point, best, gain
from benchmarks.diversity.broken import why_broken
from benchmarks.diversity.measured import MEASURES, Measured, measure
from benchmarks.diversity.methods import MAX_TOKENS, REFERENCE, Method, reference
from benchmarks.report import progress
from drugs_cpp.study.setting import SOBER, Setting

if TYPE_CHECKING:
    from benchmarks.diversity.measured import Instruments
    from benchmarks.diversity.texts import Texts
    from drugs_cpp.study.prompt import Prompt

    Found = Mapping[Setting, Measured]

#: every fifth prompt is screened, with this many texts for each setting; the others get this many in full
SCREENED_EVERY, N_SCREENED, N_FULL = 5, 5, 10

#: the model's text without noise, for each prompt
PLAIN = Setting(SOBER, max_tokens=MAX_TOKENS)


@dataclass(frozen=True)
class Stage:
    """What is measured. The stages have different prompts, so that the chosen settings are judged on new ones.

    Attributes:
        compared: methods with the settings that are measured.
        prompts: the prompts that have texts for all of these settings.
        n_texts: number of texts for each prompt and setting.
    """

    compared: Sequence[Method]
    prompts: Sequence[Prompt]
    n_texts: int

    @property
    def settings(self) -> list[Setting]:
        """The settings of all methods."""
        return [setting for method in self.compared for setting in method.settings]


def measured(stage: Stage, texts: Texts, using: Instruments) -> Found:
    """Measure all settings of a stage."""
    found = {}
    for n_done, setting in enumerate([PLAIN, *stage.settings]):
        found[setting] = measure(texts.of(setting, stage.prompts, stage.n_texts), using)
        progress("measuring", n_done, len(stage.settings))
    return found


def unbroken(stage: Stage, texts: Texts, prose: float) -> dict[Prompt, list[str]]:
    """Return, by prompt, all texts of a stage that are not broken, including the sober ones."""
    found: dict[Prompt, list[str]] = {prompt: [] for prompt in stage.prompts}
    for setting in [PLAIN, *stage.settings]:
        for prompt, rows in texts.of(setting, stage.prompts, stage.n_texts):
            found[prompt] += [row.text for row in rows if why_broken(row, prose) is None]
    return found


def chosen(compared: Sequence[Method], found: Found) -> list[Method]:
    """Return the methods with only their best settings, except for the reference."""
    worst = found[PLAIN].mean("log_likelihood") - WORST
    others = [method for method in compared if method.name != REFERENCE]
    return [reference(), *(replace(method, settings=tuple(_best(method, found, worst))) for method in others)]


def _best(method: Method, found: Found, worst: float) -> list[Setting]:
    points = [Point(found[s].mean("vendi"), found[s].mean("log_likelihood")) for s in method.settings]
    return [method.settings[i] for i in best(points, worst)]


def rows(stage: Stage, found: Found, coherences: Sequence[str]) -> list[dict[str, Any]]:
    """Return the results of a stage: a row for each setting, with means over the prompts and their intervals.

    Args:
        stage: the stage.
        found: the results of its settings.
        coherences: measures of coherence at which the diversity is compared with that of a temperature.
    """
    settings = next(method.settings for method in stage.compared if method.name == REFERENCE)
    line = [found[PLAIN], *(found[setting] for setting in settings)]
    made = [{"method": SOBER, "setting": SOBER, **_plain(found[PLAIN])}]
    for method in stage.compared:
        for setting in method.settings:
            one = found[setting]
            gains = {name: _rounded(gain(one, line, name)) for name in coherences if method.name != REFERENCE}
            about = {"method": method.name, "setting": setting.label, "inputs": setting.dose_inputs}
            made.append({**about, **_plain(one), "gains": gains})
    return made


def _plain(found: Measured) -> dict[str, Any]:
    values = {name: _rounded([found.mean(name)])[0] for name in MEASURES}
    intervals = {f"{name}_interval": _rounded(found.interval(name)) for name in MEASURES}
    return {**values, **intervals, "broken": dict(found.broken), "n_texts": found.n_texts}


def _rounded(numbers: Sequence[float]) -> list[Any]:
    """Return numbers as they are stored; None: not measured."""
    return [None if number != number else round(number, 4) for number in numbers]
