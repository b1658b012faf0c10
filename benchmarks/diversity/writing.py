"""Writes the texts of settings into a sweep's store, so that an interrupted run can continue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.diversity.methods import INPUTS, MAX_TOKENS
from benchmarks.report import line
from drugs_cpp.study import Prompt, SweepPlan, WorkerOptions
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_run import sweep
from drugs_cpp.tools.time_left import bar


def read_prompts(path: Path) -> list[Prompt]:
    """Return the prompts of NoveltyBench, in the order of its file."""
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    return [Prompt(row["id"], (("user", row["prompt"]),)) for row in rows]


def write(
    what: str, model: Path, prompts: Sequence[Prompt], settings: Iterable[Setting], n_texts: int, store: Path
) -> None:
    """Write the missing texts, ``n_texts`` for each prompt and setting, and let the sober model read them."""
    for plan in plans(prompts, settings, n_texts):
        label = f"{what}, prompts {_DOSED[plan.sober.dose_inputs]}"

        def tell(n_done: int, n_all: int, seconds: float, label: str = label) -> None:
            line(f"{label}: {bar(n_done, n_all, seconds, 'texts written or read')}")

        sweep([str(model)], plan, store, WorkerOptions(), tell)
        line("")


_DOSED = {False: "sober", "last": "dosed at their last token", True: "dosed"}


def plans(prompts: Sequence[Prompt], settings: Iterable[Setting], n_texts: int) -> Iterator[SweepPlan]:
    """Yield a plan for each way in which prompts are dosed."""
    settings = list(settings)
    for inputs in INPUTS:
        some = [setting for setting in settings if setting.dose_inputs == inputs]
        if some:
            sober = Setting(SOBER, max_tokens=MAX_TOKENS, dose_inputs=inputs)
            yield SweepPlan(tuple(prompts), (sober, *dict.fromkeys(some)), tuple(range(1, n_texts + 1)))
