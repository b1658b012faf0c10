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

#: called with the number of steps done, the number of all steps, and the seconds since the first one was begun; a step
#: writes a text, or reads one again
Listener = Callable[[int, int, float], None]


@dataclass
class Todo:
    """What is missing of a model's prompt.

    Attributes:
        prompt: the prompt.
        number: of the prompt in the store.
        orders: setting and seed of each missing text.
        sober: tokens of the sober text, if it is in the store.
    """

    prompt: Prompt
    number: int
    orders: Orders
    sober: npt.NDArray[np.int32] | None


class SweepBook:
    """Which part of a model's plan is in a store, and where its results go.

    Args:
        store: an open results file.
        plan: the texts.
        info: of the model.
    """

    def __init__(self, store: SweepStore, plan: SweepPlan, info: ModelInfo) -> None:
        self._store = store
        self._plan = plan
        self._model = store.model(info)
        self._numbers = {setting: store.setting(setting) for setting in plan.settings}

    def todo(self) -> list[Todo]:
        """Return what is missing, by prompt; complete prompts are left out."""
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
        """Keep a text, and the build and processor that computed it."""
        self._store.add_text(self._cell(todo.number, setting), self._store.origin(origin), row)

    def n_missing(self, likelihood: bool) -> int:
        """Return the number of missing texts of the plan; with ``likelihood``, also of those without a likelihood."""
        unscored = self.unscored() if likelihood else ()
        return sum(len(todo.orders) for todo in self.todo()) + sum(len(some) for *_, some in unscored)

    def n_steps(self, likelihood: bool) -> int:
        """Return the number of steps: texts to write and, with ``likelihood``, texts to read."""
        return self.n_missing(likelihood) + (self.n_missing(False) if likelihood else 0)

    def unscored(
        self, prompts: Sequence[Prompt] | None = None
    ) -> Iterator[tuple[Prompt, int, list[tuple[int, int, npt.NDArray[np.int32]]]]]:
        """Yield the texts of the plan without a likelihood: a prompt, its number, and setting, seed, tokens of each.

        Args:
            prompts: those to look at; None: all of the plan.
        """
        wanted = {(self._numbers[setting], seed) for setting, seed in self._plan.texts()}
        for prompt in self._plan.prompts if prompts is None else prompts:
            number = self._store.prompt(prompt)
            unscored = [some for some in self._store.unscored(self._model, number) if some[:2] in wanted]
            if unscored:
                yield prompt, number, unscored

    def keep_score(
        self, prompt: int, setting: int, seed: int, log_likelihood: float, embedding: npt.NDArray[np.float16]
    ) -> None:
        """Add a likelihood to a text."""
        self._store.keep_score(CellId(self._model, prompt, setting), seed, log_likelihood, embedding)

    def score(self, worker: SweepWorker, prompts: Sequence[Prompt] | None = None) -> Iterator[None]:
        """Add likelihoods to the texts that have none; yields after each."""
        for prompt, number, unscored in self.unscored(prompts):
            for index, likelihood, embedding in worker.score(prompt, [tokens for *_, tokens in unscored]):
                setting, seed, _ = unscored[index]
                self.keep_score(number, setting, seed, likelihood, embedding)
                yield

    def _cell(self, prompt: int, setting: Setting) -> CellId:
        return CellId(self._model, prompt, self._numbers[setting])


@contextmanager
def open_sweep(path: str | PathLike[str]) -> Iterator[SweepStore]:
    """For ``with``: open a results file, which is created if it does not exist."""
    with Store(path) as store:
        yield SweepStore(store)


def sweep(
    models: Sequence[str],
    plan: SweepPlan,
    store: str | PathLike[str],
    options: WorkerOptions = DEFAULT_OPTIONS,
    progress: Listener | None = None,
) -> int:
    """Write the missing texts, keep each as soon as it is finished, and measure those that were not measured.

    Whatever ends this, even a power failure, what was written stays, and the same call continues from there.

    Args:
        models: paths of GGUF files.
        plan: the texts of each model.
        store: path of a results file, which is created if it does not exist.
        options: how to compute.
        progress: called after each step.

    Returns:
        How many texts were written or measured.

    Raises:
        ResultFileError: the store is not a results file, is damaged, or is from a newer version; or the disk is full.
        DoseError, PromptError, ContextOverflowError: a model lacks a site, or cannot read a prompt. Nothing was
            written.
        ModelNotFoundError, ModelFileError: a model that cannot be loaded. Nothing was written.
    """
    if Path(store).exists():
        Store(store).close()  # raises before models are loaded
    infos = [_checked(path, plan, options) for path in models]
    with open_sweep(store) as results:
        books = [SweepBook(results, plan, info) for info in infos]
        n_texts = sum(book.n_missing(options.likelihood) for book in books)
        steps = Steps(sum(book.n_steps(options.likelihood) for book in books), progress)
        for path, book in zip(models, books):
            if book.n_missing(options.likelihood):
                with SweepWorker(path, plan, options) as worker:
                    for _ in _do(worker, book, options.likelihood):
                        steps.add()
    return n_texts


def _do(worker: SweepWorker, book: SweepBook, likelihood: bool) -> Iterator[None]:
    """Write and read what is missing of a model, prompt by prompt; yields after each step."""
    for todo in book.todo():
        for setting, row in worker.write(todo.prompt, todo.orders, todo.sober):
            book.keep(todo, worker.origin, setting, row)
            yield
        if likelihood:
            yield from book.score(worker, [todo.prompt])
    if likelihood:  # for prompts of which no text was missing
        yield from book.score(worker)


class Steps:
    """Counts the steps done, and reports how long they took."""

    def __init__(self, n_all: int, progress: Listener | None) -> None:
        self._n = 0
        self._n_all = n_all
        self._progress = progress
        self._start = time.monotonic()

    def add(self) -> None:
        """Count one more step."""
        self._n += 1
        if self._progress is not None:
            self._progress(self._n, self._n_all, time.monotonic() - self._start)


def _checked(path: str, plan: SweepPlan, options: WorkerOptions) -> ModelInfo:
    """Describe a model. It is loaded, so that none is refused after others have computed for hours."""
    with SweepWorker(path, plan, options) as worker:
        return worker.info
