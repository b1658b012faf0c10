"""``python -m benchmarks diversity``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import drugs_cpp
from benchmarks.diversity.broken import prose_log_likelihood
from benchmarks.diversity.measured import MEASURES, Measured, measure
from benchmarks.diversity.methods import Method, methods
from benchmarks.diversity.titrated import angles_of
from benchmarks.diversity.writing import read_prompts, write
from benchmarks.report import markdown, progress
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study import open_sweep
from drugs_cpp.study.embeddings import Embedder

if TYPE_CHECKING:
    import numpy.typing as npt

#: every fifth prompt is screened, with so many texts
_EVERY, _N_TEXTS = 5, 5


def main(given: Sequence[str]) -> int:
    """Screen all settings of all methods on a model, and print what they come to."""
    options = _options(given)
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    store = options.folder / f"{model.stem}.db"
    compared = methods(angles_of(model, options.folder / f"{model.stem}-angles.json"))
    prompts = read_prompts(options.prompts)[::_EVERY]
    write("screening", model, prompts, [setting for method in compared for setting in method.settings], _N_TEXTS, store)
    found = measured(store, model, compared, _Embed(options.embedding))
    (options.folder / f"{model.stem}-screened.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    head = ["method", "setting", *MEASURES]
    print(
        markdown(head, [[row["method"], row["setting"], *(f"{row[name]:.2f}" for name in MEASURES)] for row in found])
    )
    return 0


def measured(store: Path, model: Path, compared: Sequence[Method], embed: _Embed) -> list[dict[str, Any]]:
    """A row for each setting, with means over the prompts and their intervals."""
    prose = prose_log_likelihood(model)
    rows = []
    with open_sweep(store) as results:
        number = next(n for n, info in results.models().items() if info.key == sha256_of(str(model)))
        numbers = {setting: n for n, setting in results.settings().items()}
        wanted = [(method.name, setting) for method in compared for setting in method.settings]
        for n_done, (name, setting) in enumerate(wanted, 1):
            found = measure(results, numbers[setting], number, prose, embed)
            rows.append({"method": name, "setting": f"{setting.label}, inputs {setting.dose_inputs}", **_plain(found)})
            progress("measuring", n_done, len(wanted))
    return rows


def _plain(found: Measured) -> dict[str, Any]:
    means = {name: found.mean(name) for name in MEASURES}
    intervals = {f"{name}_interval": found.interval(name) for name in MEASURES}
    return {**means, **intervals, "broken": dict(found.broken), "n_texts": found.n_texts}


class _Embed:
    """Vectors of texts; each text is computed once."""

    def __init__(self, name: str) -> None:
        self._embedder = Embedder(name)
        self._known: dict[str, npt.NDArray[Any]] = {}

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[Any]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder(new)))
        return np.stack([self._known[text] for text in texts])


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks diversity",
        description="Diversity against coherence: noise inside a model beside samplers. What was written is kept, and "
        "the same command goes on from there. It takes hours.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template; without it the default one")
    parser.add_argument("--prompts", type=Path, required=True, help="NoveltyBench's curated.jsonl")
    parser.add_argument("--embedding", required=True, help="a model of sentence-transformers, or a folder with one")
    parser.add_argument("--folder", type=Path, default=Path("build/diversity"), help="for results (%(default)s)")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
