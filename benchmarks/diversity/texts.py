"""The texts of a model in a sweep's store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study.sweep_store import CellId

if TYPE_CHECKING:
    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.setting import Setting
    from drugs_cpp.study.sweep_store import SweepStore, TextRow

    OfPrompts = list[tuple[Prompt, list[TextRow]]]


class Texts:
    """Finds the texts of a model.

    Args:
        store: an open store with texts of the model.
        model: the model's file.
    """

    def __init__(self, store: SweepStore, model: Path) -> None:
        self._store = store
        self._model = next(n for n, info in store.models().items() if info.key == sha256_of(str(model)))
        self._prompts = {prompt: n for n, prompt in store.prompts().items()}
        self._settings = {setting: n for n, setting in store.settings().items()}

    def of(self, setting: Setting, prompts: Sequence[Prompt], n_texts: int) -> OfPrompts:
        """Return the texts of some prompts with seeds up to ``n_texts``; a sober text has the seed 0."""
        return [(prompt, self._rows(setting, prompt, n_texts)) for prompt in prompts]

    def complete(self, settings: Sequence[Setting], prompts: Sequence[Prompt], n_texts: int) -> list[Prompt]:
        """Return the prompts for which all settings have all texts, read by the model that wrote them."""
        return [prompt for prompt in prompts if all(self._has_all(some, prompt, n_texts) for some in settings)]

    def _has_all(self, setting: Setting, prompt: Prompt, n_texts: int) -> bool:
        rows = self._rows(setting, prompt, n_texts)
        return len(rows) == n_texts and all(row.log_likelihood is not None or not len(row.tokens) for row in rows)

    def _rows(self, setting: Setting, prompt: Prompt, n_texts: int) -> list[TextRow]:
        if prompt not in self._prompts or setting not in self._settings:
            return []
        cell = CellId(self._model, self._prompts[prompt], self._settings[setting])
        return [row for row in self._store.texts(cell) if row.seed <= n_texts]
