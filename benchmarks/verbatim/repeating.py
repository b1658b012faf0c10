"""The texts that are repeated, and the doses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.report import line
from benchmarks.verbatim.regimes import REGIMES, TOLERANCE, kept, regime
from drugs_cpp.doses.sites import SITES
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.frozen_texts import FROZEN_TEXTS
from drugs_cpp.study import Prompt, SweepPlan, WorkerOptions, open_sweep
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_run import sweep
from drugs_cpp.study.sweep_store import CellId
from drugs_cpp.tools.time_left import bar

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_store import SweepStore

    Shares = Mapping[str, Sequence[float]]  # one for each text

#: radians
ANGLES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5)

_SEEDS = (1, 2, 3, 4)

#: tokens of an answer: twice as many as the texts have, so that repetition can be seen
_MAX_TOKENS = 96

#: sentences that make a text
_TOGETHER = 2


def originals() -> list[str]:
    """Return texts that no model has been trained on: pairs of sentences that were written for this project."""
    found = []
    for text in FROZEN_TEXTS:
        sentences = re.split(r"(?<=[.?!]) ", text.replace("\n\n", " "))
        pairs = [sentences[i : i + _TOGETHER] for i in range(0, len(sentences) - 1, _TOGETHER)]
        found += [" ".join(pair) for pair in pairs[:_TOGETHER]]
    return found


def plan() -> SweepPlan:
    """Return a plan with all sites and angles. The prompt is dosed as well: the model reads the text under the dose."""
    prompts = tuple(
        Prompt(f"text {i}", (("user", f"Repeat this text word for word:\n\n{text}"),))
        for i, text in enumerate(originals(), 1)
    )
    doses = [Setting(site, angle, max_tokens=_MAX_TOKENS, dose_inputs=True) for site in SITES for angle in ANGLES]
    return SweepPlan(prompts, (Setting(SOBER, max_tokens=_MAX_TOKENS, dose_inputs=True), *doses), _SEEDS)


def repeat(model: Path, store: Path) -> None:
    """Let a model repeat the texts that it has not repeated yet."""

    def tell(n_done: int, n_all: int, seconds: float) -> None:
        line(f"{model.stem}: {bar(n_done, n_all, seconds, 'texts')}")

    sweep([str(model)], plan(), store, WorkerOptions(likelihood=False), tell)
    line("")


class Repeated:
    """What a model made of the texts that it repeats without a dose. Other texts tell us nothing, and are left out.

    Args:
        store: contains its texts.
        model: its file.

    Attributes:
        n_texts: number of texts considered.
    """

    def __init__(self, store: SweepStore, model: Path) -> None:
        self._store = store
        self._plan = plan()
        self._model = next(n for n, info in store.models().items() if info.key == sha256_of(str(model)))
        self._prompts = {prompt: n for n, prompt in store.prompts().items()}
        self._settings = {setting: n for n, setting in store.settings().items()}
        everything = list(zip(self._plan.prompts, originals()))
        sober = [self._answers(prompt, self._plan.sober)[0] for prompt, _ in everything]
        self._looked_at = [one for one, answer in zip(everything, sober) if regime(answer, one[1]) == TOLERANCE]
        self.n_texts = len(self._looked_at)

    def shares(self, site: str, angle: float) -> Shares:
        """Return each regime's share of the answers for each text, and as "kept" that of words repeated in order."""
        setting = Setting(site, angle, max_tokens=_MAX_TOKENS, dose_inputs=True)
        found: dict[str, list[float]] = {name: [] for name in (*REGIMES, "kept")}
        for prompt, text in self._looked_at:
            answers = self._answers(prompt, setting)
            regimes = [regime(answer, text) for answer in answers]
            for name in REGIMES:
                found[name].append(regimes.count(name) / len(answers))
            found["kept"].append(float(np.mean([kept(answer, text) for answer in answers])))
        return found

    def _answers(self, prompt: Prompt, setting: Setting) -> Sequence[str]:
        cell = CellId(self._model, self._prompts[prompt], self._settings[setting])
        return [row.text for row in self._store.texts(cell)]


def shares(store: Path, model: Path) -> tuple[int, dict[str, list[Shares]]]:
    """Return how many texts were considered, and by site, what became of them at each angle."""
    with open_sweep(store) as results:
        found = Repeated(results, model)
        if not found.n_texts:
            raise SystemExit(f"benchmarks: {model.stem} repeats none of the texts, even sober: use another model")
        return found.n_texts, {site: [found.shares(site, angle) for angle in ANGLES] for site in SITES}
