"""``python -m benchmarks uncertainty``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import drugs_cpp
from benchmarks.report import line, markdown
from benchmarks.uncertainty import methods
from benchmarks.uncertainty.fit_tables import fit_tables
from benchmarks.uncertainty.fitted import fit
from benchmarks.uncertainty.page_tables import page_tables
from benchmarks.uncertainty.questions import NAMES, DataSet, data_sets
from benchmarks.uncertainty.scored import auroc, difference, interval, rejection_ratio
from drugs_cpp import _core
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study import SweepPlan, WorkerOptions, open_sweep
from drugs_cpp.study.setting import SOBER, Setting
from drugs_cpp.study.sweep_run import sweep
from drugs_cpp.study.sweep_store import CellId
from drugs_cpp.tools.time_left import bar

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.sweep_store import SweepStore, TextRow

#: how confidence is computed from several answers; higher means surer
CONFIDENCES: Mapping[str, Callable[[_core.Answers], float]] = {
    "agreement": lambda answers: answers["agreement"],
    "entropy": lambda answers: -answers["entropy"],
    "similarity": lambda answers: answers["similarity"],
}

#: data sets of which the model knows a smaller or larger share are left out; guesses among four do not count
LEAST_RIGHT, MOST_RIGHT = 0.2, 0.8


def main(given: Sequence[str]) -> int:
    """Answer all questions in all ways, and print how well each way tells right answers from wrong ones."""
    options = _options(given)
    if options.fit or options.tables:
        make, paths = (fit_tables, options.fit) if options.fit else (page_tables, options.tables)
        print(make([json.loads(path.read_text(encoding="utf-8")) for path in paths]))
        return 0
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    key = sha256_of(str(model))[:8]
    sets = data_sets(options.data, options.sets)
    few = options.few or all(data.is_long for data in sets)
    noises = methods.FEW if few else methods.NOISES
    angles = methods.angles_of(model, options.folder / f"{model.stem}-{key}-angles.json", noises)
    found = [_data_set(model, data, angles, options) for data in sets]
    _keep(model.name, found, options.folder / f"{model.stem}.json")
    head = ["data", "answers", "confidence", "AUROC", "PRR", "AUROC above temperature"]
    print(markdown(head, [[str(row[name]) for name in head] for one in found for row in one["rows"]]))
    return 0


def _keep(model: str, found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Add data sets to a file, or replace those that it has."""
    known = json.loads(path.read_text(encoding="utf-8"))["data"] if path.exists() else []
    names = {one["data"] for one in found}
    everything = [*(one for one in known if one["data"] not in names), *found]
    path.write_text(json.dumps({"model": model, "data": everything}, indent=1) + "\n", encoding="utf-8")


def _data_set(model: Path, data: DataSet, angles: methods.Angles, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a data set; if the model knows too few or too many answers, compute only what the score is fitted to."""
    store = options.folder / f"{model.stem}-{data.name}.db"
    usual = methods.usual(angles, data.max_tokens)
    share = _write_sober(model, data, store)
    print(f"{data.name}: {100 * share:.0f} % of {len(data.questions)} sober answers are right")
    is_measured = options.anyway or LEAST_RIGHT <= data.known(share) <= MOST_RIGHT
    settings = [usual]
    if is_measured and data.is_long:
        settings = methods.settings_of_long(angles, data.max_tokens)
    elif is_measured:
        settings = methods.settings(angles, data.max_tokens, options.few)
    _write(model, data, settings, store, WorkerOptions(likelihood=False))
    with open_sweep(store) as results:
        return {
            "data": data.name,
            "right": share,
            "n_questions": len(data.questions),
            "rows": _measured(results, model, data, settings) if is_measured else [],
            "features": _features(results, model, data, usual),
        }


def _plan(data: DataSet, settings: Sequence[Setting], n_answers: int) -> SweepPlan:
    sober = Setting(SOBER, max_tokens=data.max_tokens, dose_inputs="last")
    return SweepPlan(
        tuple(q.prompt for q in data.questions), (sober, *dict.fromkeys(settings)), tuple(range(1, n_answers + 1))
    )


def _write_sober(model: Path, data: DataSet, store: Path) -> float:
    """Write the sober answers, and return the share that is right. Likelihoods are computed only for these answers."""
    _write(model, data, [], store, WorkerOptions())
    with open_sweep(store) as results:
        return float(_sober(results, model, data)[1].mean())


def _write(model: Path, data: DataSet, settings: Sequence[Setting], store: Path, options: WorkerOptions) -> None:
    def tell(n_done: int, n_all: int, seconds: float) -> None:
        line(f"{data.name}: {bar(n_done, n_all, seconds, 'answers written or read')}")

    sweep([str(model)], _plan(data, settings, data.n_answers), store, options, tell)
    line("")


def _rows(results: SweepStore, model: Path, data: DataSet, setting: Setting) -> list[list[TextRow]]:
    number = next(n for n, info in results.models().items() if info.key == sha256_of(str(model)))
    prompts = {prompt.to_json(): n for n, prompt in results.prompts().items()}
    settings = {some: n for n, some in results.settings().items()}
    return [
        list(results.texts(CellId(number, prompts[question.prompt.to_json()], settings[setting])))
        for question in data.questions
    ]


def _measured(results: SweepStore, model: Path, data: DataSet, settings: Sequence[Setting]) -> list[dict[str, Any]]:
    sober, right = _sober(results, model, data)
    mean = _likelihoods(sober)
    alone = {"perplexity": mean, "probability": mean * [max(1, len(row.tokens)) for row in sober]}
    found = [_row(data, "the sober one alone", name, values, right) for name, values in alone.items()]
    reference = methods.sampled(methods.TEMPERATURE, data.max_tokens)
    compared = {setting: _compared(results, model, data, setting, sober) for setting in settings}
    for name, confidence in CONFIDENCES.items():
        usual = np.array([confidence(one) for one in compared[reference]])
        for setting, answers in compared.items():
            values = np.array([confidence(one) for one in answers])
            above = "" if setting == reference else _said(*difference(auroc, values, usual, right))
            together = _with_likelihood(values, mean, right)
            row = _row(data, setting.label, name, values, right)
            found.append({**row, "AUROC above temperature": above, "AUROC with likelihood": together})
    return found


def _with_likelihood(values: npt.NDArray[Any], mean: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> str:
    """Return the cross-validated AUROC of a score fitted to a confidence and the likelihood of the sober answer."""
    questions = [str(i) for i in range(len(right))]
    fitted = fit(np.column_stack([values, mean]), right, [0] * len(right), questions)
    return _said(auroc(fitted.scores, right), *interval(auroc, fitted.scores, right))


def _likelihoods(sober: Sequence[TextRow]) -> npt.NDArray[np.float64]:
    """Return the mean log-likelihood of each text's tokens; an empty text gets that of the least likely text."""
    found = np.array([np.nan if row.log_likelihood is None else row.log_likelihood for row in sober])
    return np.where(np.isnan(found), np.nanmin(found), found)


def _features(results: SweepStore, model: Path, data: DataSet, usual: Setting) -> list[list[float]]:
    """Return the features of the score for each question, and whether the sober answer is right (1)."""
    sober, right = _sober(results, model, data)
    answers = _compared(results, model, data, usual, sober)
    return [
        [one["agreement"], float(likelihood), float(good)]
        for one, likelihood, good in zip(answers, _likelihoods(sober), right)
    ]


def _sober(results: SweepStore, model: Path, data: DataSet) -> tuple[list[TextRow], npt.NDArray[np.bool_]]:
    """Return the sober answers, and whether they are right."""
    rows = [some[0] for some in _rows(results, model, data, _plan(data, [], 0).sober)]
    return rows, np.array([data.is_right(question, row.text) for question, row in zip(data.questions, rows)])


def _compared(
    results: SweepStore, model: Path, data: DataSet, setting: Setting, sober: Sequence[TextRow]
) -> list[_core.Answers]:
    """Compare the varied answers to each question with the sober one."""
    others = _rows(results, model, data, setting)
    return [
        _core.compare_answers(row.text, [other.text for other in some[: data.n_answers]], data.kind)
        for row, some in zip(sober, others)
    ]


def _row(
    data: DataSet, answers: str, name: str, confidence: npt.NDArray[Any], right: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    said = {
        score: _said(compute(confidence, right), *interval(compute, confidence, right))
        for score, compute in (("AUROC", auroc), ("PRR", rejection_ratio))
    }
    about = {"data": data.name, "answers": answers, "confidence": name}
    return {**about, **said, "AUROC above temperature": "", "AUROC with likelihood": ""}


def _said(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks uncertainty",
        description="How well the agreement of varied answers tells right answers from wrong ones. Answers are kept, "
        "and the same command continues from there.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template (the default model)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder with the data sets")
    fit = "files with results of this command: fit the score of Llama.uncertainty to them, and print its weights"
    what.add_argument("--fit", type=Path, nargs="+", help=fit)
    tables = "files with results of this command: print the tables of docs/uncertainty.md"
    what.add_argument("--tables", type=Path, nargs="+", help=tables)
    parser.add_argument("--sets", nargs="+", choices=NAMES, help="names of the data sets to use (all)")
    few = "try only the doses A and those that arXiv 2502.03799 compares"
    parser.add_argument("--few", action="store_true", help=few)
    anyway = "also compare on data sets of which the model knows too few or too many answers"
    parser.add_argument("--anyway", action="store_true", help=anyway)
    parser.add_argument(
        "--folder", type=Path, default=Path("build/uncertainty"), help="folder for results (%(default)s)"
    )
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
