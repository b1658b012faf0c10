"""``sweep_on_ray``: like ``sweep``, on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from drugs_cpp.errors import ClusterError
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.model.model_file import check_model_file
from drugs_cpp.study.machine import build
from drugs_cpp.study.ray_cluster import PER_NODE, Per, check_per, connected
from drugs_cpp.study.ray_crew import Crew
from drugs_cpp.study.ray_worker import Orders, RayWorker
from drugs_cpp.study.setting import SOBER
from drugs_cpp.study.sweep_jobs import CheckJob, Job, ScoreJob, TextJob, TextResult, Unscored, job_size, text_jobs
from drugs_cpp.study.sweep_queue import JobQueue
from drugs_cpp.study.sweep_run import DEFAULT_OPTIONS, Steps, SweepBook, open_sweep

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.sweep_plan import SweepPlan
    from drugs_cpp.study.sweep_run import Listener, Todo
    from drugs_cpp.study.sweep_store import SweepStore
    from drugs_cpp.study.sweep_worker import WorkerOptions

    Books = Mapping[str, SweepBook]
    Spoilt = list[tuple[Job, str]]


def sweep_on_ray(
    models: Sequence[str],
    plan: SweepPlan,
    store: str | PathLike[str],
    address: str,
    options: WorkerOptions = DEFAULT_OPTIONS,
    *,
    per: Per = PER_NODE,
    progress: Listener | None = None,
    worker_class: type[RayWorker] = RayWorker,
) -> int:
    """Write the missing texts like ``sweep``, with workers on many machines; returns the same.

    Whatever ends this or a worker, what was written stays, and the same call continues from there. Unfinished texts are
    written again.

    Args:
        models: paths of GGUF files, the same on every machine.
        plan: the texts of each model.
        store: path of a results file on this machine, which is created if it does not exist.
        address: of the cluster, "host:port", "auto", or "local" for a cluster of only this machine.
        options: how to compute; ``n_threads`` defaults to one thread for each physical core of a worker.
        per: "node", "gpu", or a number of cores: what there is one worker for.
        progress: called after each step.
        worker_class: class of the workers.

    Raises:
        MissingExtraError: Ray is not installed.
        OptionError: workers cannot be placed like this.
        ClusterError: no cluster answers; none of its machines has the same models and the same package, and nothing
            was written; or workers died of some texts, and all others were written.
        ResultFileError, DoseError, PromptError, ContextOverflowError, ModelNotFoundError, ModelFileError: as ``sweep``.
    """
    check_per(per, options.n_gpu_layers)
    models = [_absolute(path) for path in models]
    orders = Orders(plan, options, {path: sha256_of(path) for path in models})
    with open_sweep(store) as results, _crew(address, per, orders, worker_class) as crew:
        books = _checked(crew, models, plan, results)
        n_texts = sum(book.n_missing(options.likelihood) for book in books.values())
        steps = Steps(sum(book.n_steps(options.likelihood) for book in books.values()), progress)
        spoilt = _write(crew, books, steps)
        if options.likelihood:
            spoilt += _score(crew, books, steps)
        _check_spoilt(spoilt)
    return n_texts


@contextmanager
def _crew(address: str, per: Per, orders: Orders, worker_class: type[RayWorker]) -> Iterator[Crew]:
    with connected(address) as ray, Crew(ray, per, orders, build(), worker_class) as crew:
        yield crew


def _absolute(path: str) -> str:
    """Return an absolute path, because workers run in other folders."""
    check_model_file(path)
    return str(Path(path).absolute())


def _checked(crew: Crew, models: Sequence[str], plan: SweepPlan, results: SweepStore) -> Books:
    """Make workers load each model, so that none is refused after others have computed for hours."""
    queue = JobQueue(CheckJob(path) for path in models)
    infos = {job.model: info for job, info in crew.run(queue)}
    _check_spoilt(queue.spoilt)
    return {path: SweepBook(results, plan, infos[path]) for path in models}


def _write(crew: Crew, books: Books, steps: Steps) -> Spoilt:
    """Write the missing texts; returns jobs that were given up."""
    todos = {path: book.todo() for path, book in books.items()}
    n_all = sum(len(todo.orders) for some in todos.values() for todo in some)
    size = job_size(n_all, len(crew))
    queue, waiting = JobQueue(), _Waiting()
    for path, some in todos.items():
        for todo in some:
            queue.add(waiting.hold_back(text_jobs(path, todo, size)))
    for job, result in crew.run(queue):
        assert isinstance(job, TextJob)
        books[job.model].keep(job.todo, result.origin, result.setting, result.row)
        queue.add(waiting.released_by(job, result))
        steps.add()
    return list(queue.spoilt)


class _Waiting:
    """Jobs of prompts whose sober text is still being written: their texts are compared with it."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, int], list[TextJob]] = {}

    def hold_back(self, jobs: list[TextJob]) -> list[TextJob]:
        """Return a prompt's jobs that can be done at once: all, or only the one that writes the sober text."""
        first = jobs[0]
        if first.todo.sober is not None:
            return jobs
        self._jobs[first.model, first.todo.number] = jobs[1:]
        return jobs[:1]

    def released_by(self, job: TextJob, result: TextResult) -> list[TextJob]:
        """Return the jobs that can be done now."""
        if result.setting.site != SOBER:
            return []
        waiting = self._jobs.pop((job.model, job.todo.number), [])
        return [TextJob(other.model, _with_sober(other.todo, result)) for other in waiting]


def _with_sober(todo: Todo, result: TextResult) -> Todo:
    return replace(todo, sober=result.row.tokens)


def _score(crew: Crew, books: Books, steps: Steps) -> Spoilt:
    """Add likelihoods to the texts that have none; those with a common prefix are in one job. Returns jobs given up."""
    queue, numbers = JobQueue(), {}
    for path, book in books.items():
        for prompt, number, texts in book.unscored():
            numbers[path, prompt] = number
            size = job_size(len(texts), len(crew))
            some = sorted((Unscored(*text) for text in texts), key=lambda text: text.tokens.tolist())
            queue.add(ScoreJob(path, prompt, tuple(some[i : i + size])) for i in range(0, len(some), size))
    for job, result in crew.run(queue):
        assert isinstance(job, ScoreJob)
        text = result.text
        score = (result.log_likelihood, result.embedding)
        books[job.model].keep_score(numbers[job.model, job.prompt], text.setting, text.seed, *score)
        steps.add()
    return list(queue.spoilt)


def _check_spoilt(spoilt: Spoilt) -> None:
    if spoilt:
        jobs = "; ".join(f"{job.label} (the last one by: {reason})" for job, reason in spoilt)
        raise ClusterError(f"workers have died of the same texts again and again: {jobs}. All others were kept")
