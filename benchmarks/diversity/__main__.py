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
from benchmarks.diversity.measured import Instruments
from benchmarks.diversity.methods import Method, methods
from benchmarks.diversity.page_tables import page_tables, shortened
from benchmarks.diversity.plane import draw
from benchmarks.diversity.reading import OtherModel
from benchmarks.diversity.stages import (
    N_FULL,
    N_SCREENED,
    SCREENED_EVERY,
    Stage,
    chosen,
    measured,
    rows,
    unbroken,
)
from benchmarks.diversity.table import table
from benchmarks.diversity.texts import Texts
from benchmarks.diversity.titrated import angles_of
from benchmarks.diversity.writing import read_prompts, write
from drugs_cpp.extras import extra
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study import Prompt, open_sweep
from drugs_cpp.study.embeddings import Embedder

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchmarks.diversity.measured import Likelihood
    from drugs_cpp.study.sweep_store import SweepStore

#: measures at which methods are compared
_OWN, _OTHER = "log_likelihood", "other_log_likelihood"


def main(given: Sequence[str]) -> int:
    """Screen all settings of all methods on a model, measure the best ones in full, and print the results."""
    options = _options(given)
    if options.tables:
        print(page_tables(options.tables))
        return 0
    model = Path(options.model or drugs_cpp.default_model())
    options.folder.mkdir(parents=True, exist_ok=True)
    store = options.folder / f"{model.stem}.db"
    compared = methods(angles_of(model, options.folder / f"{model.stem}-{_key(model)}-angles.json"))
    prompts = read_prompts(options.prompts)
    screened = prompts[::SCREENED_EVERY]
    others = [prompt for prompt in prompts if prompt not in screened]
    study = _Study(options, model, compared)
    if not options.no_writing:
        write("screening", model, screened, _settings(compared), N_SCREENED, store)
    with open_sweep(store) as results:
        found, best = study.screened(results, screened)
    if not options.screen and not options.no_writing:
        write("in full", model, others, _settings(best), N_FULL, store)
    if not options.screen:
        with open_sweep(store) as results:
            found["full"] = study.in_full(results, best, others)
    text = json.dumps({"model": model.name, **found}, indent=1)
    (options.folder / f"{model.stem}.json").write_text(text + "\n", encoding="utf-8")
    if "full" in found:
        text = json.dumps(shortened({"model": model.name, **found}), indent=1)
        (options.folder / f"{model.stem}-short.json").write_text(text + "\n", encoding="utf-8")
    draw(found, model.stem, options.folder / f"{model.stem}.png")
    print(table(found.get("full") or found["screened"]))
    return 0


def _settings(compared: Sequence[Method]) -> list[drugs_cpp.study.Setting]:
    return [setting for method in compared for setting in method.settings]


def _key(model: Path) -> str:
    """Return a key that tells files with the same name apart."""
    return sha256_of(str(model))[:8]


class _Study:
    """Measures what was written.

    Args:
        options: of the command.
        model: the file of the model that wrote the texts.
        compared: all methods with all settings.
    """

    def __init__(self, options: argparse.Namespace, model: Path, compared: Sequence[Method]) -> None:
        self._options = options
        self._model = model
        self._compared = compared
        bleu = extra("sacrebleu").BLEU(effective_order=True)
        self._using = Instruments(prose_log_likelihood(model), _Embed(options.embedding), bleu)

    def screened(self, results: SweepStore, prompts: Sequence[Prompt]) -> tuple[dict[str, Any], list[Method]]:
        """Return the results of the first stage, and the methods with their best settings."""
        texts = Texts(results, self._model)
        complete = texts.complete(_settings(self._compared), prompts, N_SCREENED)
        stage = Stage(self._compared, complete, N_SCREENED)
        if not stage.prompts:
            raise SystemExit("benchmarks: no prompt has all texts yet: run this without --no-writing")
        found = measured(stage, texts, self._using)
        print(f"{len(stage.prompts)} prompts were screened", file=sys.stderr)
        return {"screened": rows(stage, found, [_OWN])}, chosen(self._compared, found)

    def in_full(self, results: SweepStore, best: Sequence[Method], prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
        """Return the results of the second stage."""
        texts = Texts(results, self._model)
        stage = Stage(best, texts.complete(_settings(best), prompts, N_FULL), N_FULL)
        if not stage.prompts:
            raise SystemExit("benchmarks: no prompt has all texts yet: run this without --no-writing, or with --screen")
        print(f"{len(stage.prompts)} prompts were measured in full", file=sys.stderr)
        if self._options.other is None:
            return rows(stage, measured(stage, texts, self._using), [_OWN])
        other_model = self._options.other
        kept = self._options.folder / f"{self._model.stem}-read-by-{other_model.stem}-{_key(other_model)}.db"
        with OtherModel(other_model, kept) as other:
            other.read(unbroken(stage, texts, self._using.prose))
            return rows(stage, measured(stage, texts, self._with(other)), [_OWN, _OTHER])

    def _with(self, other: Likelihood) -> Instruments:
        return Instruments(self._using.prose, self._using.embed, self._using.bleu, other)


class _Embed:
    """Computes vectors of texts, once for each text."""

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
        description="Diversity against coherence: noise inside a model compared with samplers. It takes hours. Texts "
        "are kept, and the same command continues from there.",
    )
    parser.add_argument("-m", "--model", help="a GGUF model with a chat template (the default model)")
    parser.add_argument("--other", type=Path, help="another model, which also computes the likelihood of the texts")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prompts", type=Path, help="NoveltyBench's curated.jsonl")
    tables = "files with results of this command: print the tables of docs/diversity.md"
    what.add_argument("--tables", type=Path, nargs="+", help=tables)
    parser.add_argument(
        "--embedding",
        default="sentence-transformers/all-MiniLM-L6-v2",
        help="a model of sentence-transformers, or a folder with one (%(default)s)",
    )
    parser.add_argument("--screen", action="store_true", help="run only the first stage")
    parser.add_argument("--no-writing", action="store_true", help="measure only the texts that were already written")
    parser.add_argument("--folder", type=Path, default=Path("build/diversity"), help="folder for results (%(default)s)")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
