"""``sweep``: writes the texts of a plan that a store does not have yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_store import CellId, SweepStore
from drugs_cpp.study.sweep_worker import SweepWorker, WorkerOptions

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.setting import Setting
    from drugs_cpp.study.sweep_plan import SweepPlan
    from drugs_cpp.study.sweep_store import ModelInfo, TextRow

    Orders = list[tuple[Setting, int]]

DEFAULT_OPTIONS = WorkerOptions()

#: called with texts that are done, texts to write in all, and seconds since the first one was begun
Listener = Callable[[int, int, float], None]


@dataclass
class Todo:
    """What is missing of a model's prompt.

    Attributes:
        prompt: which.
        number: of the prompt in the store.
        orders: setting and seed of each text that is not there.
        sober: tokens of the sober text, if that is there.
    """

    prompt: Prompt
    number: int
    orders: Orders
    sober: npt.NDArray[np.int32] | None


class SweepBook:
    """What of a model's plan is in a store, and where its results go.

    Args:
        store: an open file of results.
        plan: the texts.
        info: of the model.
    """

    def __init__(self, store: SweepStore, plan: SweepPlan, info: ModelInfo) -> None:
        self._store = store
        self._plan = plan
        self._model = store.model(info)
        self._numbers = {setting: store.setting(setting) for setting in plan.settings}

    def todo(self) -> list[Todo]:
        """What is missing, by prompt; prompts with nothing missing are left out."""
        found = []
        for prompt in self._plan.prompts:
            number = self._store.prompt(prompt)
            done = self._store.done(self._model, number)
            orders = [(s, seed) for s, seed in self._plan.texts() if (self._numbers[s], seed) not in done]
            if orders:
                texts = self._store.texts(self._cell(number, self._plan.sober))
                found.append(Todo(prompt, number, orders, texts[0].tokens if texts else None))
        return found

    def keep(self, todo: Todo, origin: Mapping[str, Any], setting: Setting, row: TextRow) -> None:
        """Keep a text, and what it was computed by and on."""
        self._store.add_text(self._cell(todo.number, setting), self._store.origin(origin), row)

    def score(self, worker: SweepWorker) -> None:
        """Add likelihoods to the texts of the plan that were written without."""
        wanted = {(self._numbers[setting], seed) for setting, seed in self._plan.texts()}
        for prompt in self._plan.prompts:
            number = self._store.prompt(prompt)
            unscored = [some for some in self._store.unscored(self._model, number) if some[:2] in wanted]
            scores = worker.score(prompt, [tokens for *_, tokens in unscored]) if unscored else iter(())
            for (setting, seed, _), score in zip(unscored, scores):
                self._store.keep_score(CellId(self._model, number, setting), seed, *score)

    def _cell(self, prompt: int, setting: Setting) -> CellId:
        return CellId(self._model, prompt, self._numbers[setting])


@contextmanager
def open_sweep(path: str | PathLike[str]) -> Iterator[SweepStore]:
    """A file of results, made if it is not there, for ``with``."""
    with Store(path) as store:
        yield SweepStore(store)


def sweep(
    models: Sequence[str],
    plan: SweepPlan,
    store: str | PathLike[str],
    options: WorkerOptions = DEFAULT_OPTIONS,
    progress: Listener | None = None,
) -> int:
    """Write the texts that are missing, each kept as soon as it is finished; returns how many were.

    Whatever ends this, and be it a power cut, what was written stays, and the same call goes on from there.

    Args:
        models: paths of GGUF files.
        plan: the texts of each model.
        store: path of a file of results, made if it is not there.
        options: how to compute.
        progress: called after each text.

    Raises:
        ResultFileError: the store is no such file, damaged, of a newer version, or the disk is full.
        DoseError, PromptError, ContextOverflowError: a model lacks a site, or cannot read a prompt. Nothing was
            written.
        ModelNotFoundError, ModelFileError: a model that cannot be loaded. Nothing was written.
    """
    with open_sweep(store) as results:
        n_before = _count_and_check(models, plan, results, options)
        n_done, start = 0, time.monotonic()
        for path in models:
            with SweepWorker(path, plan, options) as worker:
                book = SweepBook(results, plan, worker.info)
                for todo in book.todo():
                    for setting, row in worker.write(todo.prompt, todo.orders, todo.sober):
                        book.keep(todo, worker.origin, setting, row)
                        n_done += 1
                        if progress is not None:
                            progress(n_done, n_before, time.monotonic() - start)
                if options.likelihood:
                    book.score(worker)
    return n_done


def _count_and_check(models: Sequence[str], plan: SweepPlan, results: SweepStore, options: WorkerOptions) -> int:
    """How many texts are missing; loads each model, so that none is refused after others have computed for hours."""
    n = 0
    for path in models:
        with SweepWorker(path, plan, options) as worker:
            n += sum(len(todo.orders) for todo in SweepBook(results, plan, worker.info).todo())
    return n
