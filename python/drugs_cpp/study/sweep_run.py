"""``sweep``: writes the texts of a plan that a store does not have yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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

    def n_missing(self, likelihood: bool) -> int:
        """Texts of the plan that are missing, and with ``likelihood`` those whose likelihood is."""
        unscored = self.unscored() if likelihood else ()
        return sum(len(todo.orders) for todo in self.todo()) + sum(len(some) for *_, some in unscored)

    def unscored(self) -> Iterator[tuple[Prompt, int, list[tuple[int, int, npt.NDArray[np.int32]]]]]:
        """The texts of the plan that were written without likelihoods: a prompt, its number, setting, seed, tokens."""
        wanted = {(self._numbers[setting], seed) for setting, seed in self._plan.texts()}
        for prompt in self._plan.prompts:
            number = self._store.prompt(prompt)
            unscored = [some for some in self._store.unscored(self._model, number) if some[:2] in wanted]
            if unscored:
                yield prompt, number, unscored

    def keep_score(
        self, prompt: int, setting: int, seed: int, log_likelihood: float, embedding: npt.NDArray[np.float16]
    ) -> None:
        """Add a likelihood to a text."""
        self._store.keep_score(CellId(self._model, prompt, setting), seed, log_likelihood, embedding)

    def score(self, worker: SweepWorker) -> Iterator[None]:
        """Add likelihoods to the texts of the plan that were written without; yields after each."""
        for prompt, number, unscored in self.unscored():
            scores = worker.score(prompt, [tokens for *_, tokens in unscored])
            for (setting, seed, _), score in zip(unscored, scores):
                self.keep_score(number, setting, seed, *score)
                yield

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
    """Write the texts that are missing, each kept as soon as it is finished, and measure those that were not measured.

    Whatever ends this, and be it a power cut, what was written stays, and the same call goes on from there.

    Args:
        models: paths of GGUF files.
        plan: the texts of each model.
        store: path of a file of results, made if it is not there.
        options: how to compute.
        progress: called after each text.

    Returns:
        How many texts were written or measured.

    Raises:
        ResultFileError: the store is no such file, damaged, of a newer version, or the disk is full.
        DoseError, PromptError, ContextOverflowError: a model lacks a site, or cannot read a prompt. Nothing was
            written.
        ModelNotFoundError, ModelFileError: a model that cannot be loaded. Nothing was written.
    """
    if Path(store).exists():
        Store(store).close()  # complains before models are loaded
    infos = [_checked(path, plan, options) for path in models]
    with open_sweep(store) as results:
        books = [SweepBook(results, plan, info) for info in infos]
        n_all = sum(book.n_missing(options.likelihood) for book in books)
        done = _Counter(n_all, progress)
        for path, book in zip(models, books):
            if not book.n_missing(options.likelihood):
                continue
            with SweepWorker(path, plan, options) as worker:
                for todo in book.todo():
                    for setting, row in worker.write(todo.prompt, todo.orders, todo.sober):
                        book.keep(todo, worker.origin, setting, row)
                        done.add()
                for _ in book.score(worker) if options.likelihood else ():
                    done.add()
    return done.n


class _Counter:
    """Counts what is done, and tells how long it took."""

    def __init__(self, n_all: int, progress: Listener | None) -> None:
        self.n = 0
        self._n_all = n_all
        self._progress = progress
        self._start = time.monotonic()

    def add(self) -> None:
        self.n += 1
        if self._progress is not None:
            self._progress(self.n, self._n_all, time.monotonic() - self._start)


def _checked(path: str, plan: SweepPlan, options: WorkerOptions) -> ModelInfo:
    """What a model is; it is loaded, so that none is refused after others have computed for hours."""
    with SweepWorker(path, plan, options) as worker:
        return worker.info
