"""``python -m benchmarks uncertainty``: see ``--help``."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import drugs_cpp
from benchmarks.report import line, markdown
from benchmarks.uncertainty import methods
from benchmarks.uncertainty.questions import DataSet, data_sets
from benchmarks.uncertainty.scored import auroc, interval, rejection_ratio
from drugs_cpp import _core
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study import SweepPlan, WorkerOptions, open_sweep
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_run import sweep
from drugs_cpp.study.sweep_store import CellId
from drugs_cpp.tools.time_left import bar

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.sweep_store import SweepStore

#: what of several answers is taken for confidence, the higher the surer
CONFIDENCES: Mapping[str, Callable[[_core.Answers], float]] = {
    "agreement": lambda answers: answers["agreement"],
    "entropy": lambda answers: -answers["entropy"],
    "similarity": lambda answers: answers["similarity"],
}

#: of the sober answer alone
LIKELIHOOD = "log-likelihood"

#: data sets of which the model knows fewer answers, or more, are left out
LEAST_RIGHT, MOST_RIGHT = 0.2, 0.8


def main(given: Sequence[str]) -> int:
    """Answer all questions in all ways, and print how well each way tells right answers from wrong ones."""
    options = _options(given)
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(drugs_cpp.Llama(model, n_ctx=512, verbose=False)) as llm:
        angles = methods.angles(llm)
    found = []
    for data in data_sets(options.data):
        if options.sets and data.name not in options.sets:
            continue
        store = options.folder / f"{model.stem}-{data.name}.db"
        settings = methods.settings(angles, data.max_tokens)
        share = _write_sober(model, data, store)
        print(f"{data.name}: {100 * share:.0f} % of {len(data.questions)} sober answers are right")
        if LEAST_RIGHT <= share <= MOST_RIGHT:
            _write(model, data, settings, store)
            found += _measured(model, data, settings, store)
    (options.folder / f"{model.stem}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    head = ["data", "answers", "confidence", "AUROC", "PRR"]
    print(markdown(head, [[str(row[name]) for name in head] for row in found]))
    return 0


def _plan(data: DataSet, settings: Sequence[Setting], n_answers: int) -> SweepPlan:
    sober = Setting(SOBER, max_tokens=data.max_tokens, dose_inputs="last")
    return SweepPlan(
        tuple(q.prompt for q in data.questions), (sober, *dict.fromkeys(settings)), tuple(range(1, n_answers + 1))
    )


def _write_sober(model: Path, data: DataSet, store: Path) -> float:
    """Share of the sober answers that are right."""
    _write(model, data, [], store)
    with open_sweep(store) as results:
        texts = _texts(results, model, data, _plan(data, [], 0).sober)
    return float(np.mean([data.is_right(question, some[0]) for question, some in zip(data.questions, texts)]))


def _write(model: Path, data: DataSet, settings: Sequence[Setting], store: Path) -> None:
    def tell(n_done: int, n_all: int, seconds: float) -> None:
        line(f"{data.name}: {bar(n_done, n_all, seconds, 'answers written or read')}")

    sweep([str(model)], _plan(data, settings, data.n_answers), store, WorkerOptions(), tell)
    line("")


def _texts(results: SweepStore, model: Path, data: DataSet, setting: Setting) -> list[list[str]]:
    """Texts of a setting for each question."""
    return [[row.text for row in rows] for rows in _rows(results, model, data, setting)]


def _rows(results: SweepStore, model: Path, data: DataSet, setting: Setting) -> list[list[Any]]:
    number = next(n for n, info in results.models().items() if info.key == sha256_of(str(model)))
    prompts = {prompt.to_json(): n for n, prompt in results.prompts().items()}
    settings = {some: n for n, some in results.settings().items()}
    return [
        list(results.texts(CellId(number, prompts[question.prompt.to_json()], settings[setting])))
        for question in data.questions
    ]


def _measured(model: Path, data: DataSet, settings: Sequence[Setting], store: Path) -> list[dict[str, Any]]:
    with open_sweep(store) as results:
        sober = [rows[0] for rows in _rows(results, model, data, _plan(data, [], 0).sober)]
        right = np.array([data.is_right(q, row.text) for q, row in zip(data.questions, sober)])
        likelihood = np.array([row.log_likelihood or 0.0 for row in sober])
        found = [_row(data, "the sober one alone", LIKELIHOOD, likelihood, right)]
        for setting in settings:
            others = _texts(results, model, data, setting)
            answers = [_core.compare_answers(row.text, some, data.kind) for row, some in zip(sober, others)]
            for name, confidence in CONFIDENCES.items():
                values = np.array([confidence(one) for one in answers])
                found.append(_row(data, setting.label, name, values, right))
    return found


def _row(
    data: DataSet, answers: str, name: str, confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    said = {}
    for score, compute in (("AUROC", auroc), ("PRR", rejection_ratio)):
        low, high = interval(compute, confidence, right)
        said[score] = f"{compute(confidence, right):.3f} ({low:.3f} to {high:.3f})"
    return {"data": data.name, "answers": answers, "confidence": name, **said}


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks uncertainty",
        description="How well it tells right answers from wrong ones, how far varied answers agree with them. What was "
        "written is kept, and the same command goes on from there.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template; without it the default one")
    parser.add_argument("--data", type=Path, required=True, help="a folder with the data sets")
    parser.add_argument("--sets", nargs="+", help="names of some of them (all)")
    parser.add_argument("--folder", type=Path, default=Path("build/uncertainty"), help="for results (%(default)s)")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
