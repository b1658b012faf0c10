"""How likely a model finds the texts of another one, kept in a file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import drugs_cpp
from benchmarks.report import progress
from drugs_cpp import _core
from drugs_cpp.engine.scorer import Scorer

if TYPE_CHECKING:
    from drugs_cpp.study.prompt import Prompt

_TABLE = "CREATE TABLE IF NOT EXISTS read (prompt TEXT, text TEXT, log_likelihood REAL, PRIMARY KEY (prompt, text))"


class OtherModel:
    """Reads texts sober. For ``with``, which closes it.

    Args:
        model: a GGUF file with a chat template.
        kept: an SQLite file; texts in it are not read again.
    """

    def __init__(self, model: Path, kept: Path) -> None:
        self._model = model
        self._file = sqlite3.connect(kept)
        self._file.execute(_TABLE)

    def __enter__(self) -> OtherModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, texts: Mapping[Prompt, Sequence[str]]) -> None:
        """Read the texts that were not read yet."""
        missing = {prompt: self._missing(prompt, some) for prompt, some in texts.items()}
        n_missing, n_done = sum(map(len, missing.values())), 0
        if not n_missing:
            return
        with contextlib.closing(drugs_cpp.Llama(self._model, n_ctx=512, verbose=False)) as llm:
            for prompt, some in missing.items():
                if some:
                    self._keep(prompt, _log_likelihoods(llm, prompt, some))
                n_done += len(some)
                progress(f"texts read by {self._model.stem}", n_done, n_missing)

    def __call__(self, prompt: Prompt, text: str) -> float:
        """Return the mean log-likelihood of the tokens of a text that was read, in nats."""
        query = "SELECT log_likelihood FROM read WHERE prompt = ? AND text = ?"
        return float(self._file.execute(query, (prompt.to_json(), text)).fetchone()[0])

    def _missing(self, prompt: Prompt, texts: Sequence[str]) -> list[str]:
        known = {text for (text,) in self._file.execute("SELECT text FROM read WHERE prompt = ?", (prompt.to_json(),))}
        return sorted(set(texts) - known)

    def _keep(self, prompt: Prompt, found: Mapping[str, float]) -> None:
        with self._file:
            rows = [(prompt.to_json(), text, value) for text, value in found.items()]
            self._file.executemany("INSERT INTO read VALUES (?, ?, ?)", rows)


def _log_likelihoods(llm: drugs_cpp.Llama, prompt: Prompt, texts: Sequence[str]) -> dict[str, float]:
    settings = llm.engine.settings
    tokens = [_core.tokenize(int(settings.model.vocab), text.encode(), False, False) for text in texts]
    given = llm.prompt_of(**prompt.arguments).tokens
    with contextlib.closing(Scorer(settings, given, max(map(len, tokens)), repeatable=True)) as scorer:
        return {text: float(scorer.score(some).log_probs.mean(dtype=np.float64)) for text, some in zip(texts, tokens)}
