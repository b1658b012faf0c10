"""The jobs of a sweep's workers, which are so small that little is lost with a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from drugs_cpp.study.setting import SOBER, Setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.sweep_run import Todo
    from drugs_cpp.study.sweep_store import ModelInfo, TextRow
    from drugs_cpp.study.sweep_worker import SweepWorker

    Tokens = npt.NDArray[np.int32]

#: texts of a job: decoded together, each takes less time; more than these gain little
MOST = 32

#: at least this many, however many workers wait: alone, a text takes several times as long
LEAST = 4


class Job(Protocol):
    """Work for one worker."""

    @property
    def model(self) -> str:
        """Path of the model that it needs."""

    @property
    def label(self) -> str:
        """A description for users."""

    def work(self, worker: SweepWorker) -> Iterator[Any]:
        """Do it, and yield each result as soon as it is available."""

    def rest(self, found: Sequence[Any]) -> Job | None:
        """Return what is left to do after these results, or None."""

    def singles(self) -> Sequence[Job]:
        """Return the same work as jobs of one text each."""


@dataclass(frozen=True)
class CheckJob:
    """Load a model, which checks the plan, and describe it."""

    model: str

    @property
    def label(self) -> str:
        return f"loading {self.model}"

    def work(self, worker: SweepWorker) -> Iterator[ModelInfo]:
        yield worker.info

    def rest(self, found: Sequence[ModelInfo]) -> CheckJob | None:
        return None if found else self

    def singles(self) -> list[CheckJob]:
        return [self]


class TextResult(NamedTuple):
    """A text, and the build and processor that computed it."""

    setting: Setting
    row: TextRow
    origin: Mapping[str, Any]


@dataclass(frozen=True)
class TextJob:
    """Write texts of a prompt.

    Attributes:
        model: path.
        todo: their prompt, the setting and seed of each, and the sober text if it is known.
    """

    model: str
    todo: Todo

    @property
    def label(self) -> str:
        texts = ", ".join(f"{setting.label} seed {seed}" for setting, seed in self.todo.orders)
        return f"{_of(self.todo.prompt)}, {texts}"

    def work(self, worker: SweepWorker) -> Iterator[TextResult]:
        wanted = set(self.todo.orders)
        for setting, row in worker.write(self.todo.prompt, self.todo.orders, self.todo.sober):
            if (setting, row.seed) in wanted:  # another worker has kept the sober text
                yield TextResult(setting, row, worker.origin)

    def rest(self, found: Sequence[TextResult]) -> TextJob | None:
        done = {(result.setting, result.row.seed) for result in found}
        orders = [order for order in self.todo.orders if order not in done]
        sober = next((result.row.tokens for result in found if result.setting.site == SOBER), self.todo.sober)
        return TextJob(self.model, replace(self.todo, orders=orders, sober=sober)) if orders else None

    def singles(self) -> list[TextJob]:
        return [TextJob(self.model, replace(self.todo, orders=[order])) for order in self.todo.orders]


class Unscored(NamedTuple):
    """A text without a likelihood: number of its setting in the store, seed, tokens."""

    setting: int
    seed: int
    tokens: Tokens


class ScoreResult(NamedTuple):
    """The likelihood and the embedding of a text."""

    text: Unscored
    log_likelihood: float
    embedding: npt.NDArray[np.float16]


@dataclass(frozen=True)
class ScoreJob:
    """Read texts of a prompt that were written without likelihoods."""

    model: str
    prompt: Prompt
    texts: tuple[Unscored, ...]

    @property
    def label(self) -> str:
        return f"{_of(self.prompt)}, likelihoods of {len(self.texts)} texts"

    def work(self, worker: SweepWorker) -> Iterator[ScoreResult]:
        for index, likelihood, embedding in worker.score(self.prompt, [text.tokens for text in self.texts]):
            yield ScoreResult(self.texts[index], likelihood, embedding)

    def rest(self, found: Sequence[ScoreResult]) -> ScoreJob | None:
        done = {(result.text.setting, result.text.seed) for result in found}
        texts = tuple(text for text in self.texts if (text.setting, text.seed) not in done)
        return ScoreJob(self.model, self.prompt, texts) if texts else None

    def singles(self) -> list[ScoreJob]:
        return [ScoreJob(self.model, self.prompt, (text,)) for text in self.texts]


def job_size(n_texts: int, n_workers: int) -> int:
    """Return the number of texts of a job: each worker should get two jobs, so that none waits long at the end."""
    return max(LEAST, min(MOST, n_texts // (2 * max(n_workers, 1))))


def text_jobs(model: str, todo: Todo, size: int) -> list[TextJob]:
    """Split what is missing of a prompt into jobs. The sober text is in the first one.

    Texts of one site stay together, because a batch dosed at two sites computes both for all of its texts.
    """
    jobs: list[TextJob] = []
    for _, group in groupby(todo.orders, lambda order: order[0].site):
        orders = list(group)
        jobs += [
            TextJob(model, replace(todo, orders=orders[first : first + size])) for first in range(0, len(orders), size)
        ]
    if len(jobs) > 1 and jobs[0].todo.orders[0][0].site == SOBER:  # decoded with others, it takes no extra time
        together = replace(todo, orders=[*jobs[0].todo.orders, *jobs[1].todo.orders])
        jobs[:2] = [TextJob(model, together)]
    return jobs


def _of(prompt: Prompt) -> str:
    return f"prompt {prompt.name!r}"
