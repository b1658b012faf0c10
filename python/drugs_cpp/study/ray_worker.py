"""``RayWorker``: a ``SweepWorker`` in a process of a Ray cluster that gets jobs and streams their results."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from drugs_cpp import _core
from drugs_cpp.errors import DrugsError
from drugs_cpp.file_hash import sha256_of
from drugs_cpp.study.machine import build
from drugs_cpp.study.sweep_worker import SweepWorker, WorkerOptions

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_jobs import Job
    from drugs_cpp.study.sweep_plan import SweepPlan


@dataclass(frozen=True)
class Orders:
    """What all workers of a sweep have to know.

    Attributes:
        plan: the texts.
        options: how to compute.
        sha256: of each model's file, by path.
    """

    plan: SweepPlan
    options: WorkerOptions
    sha256: Mapping[str, str]


class Refused(NamedTuple):
    """Returned instead of results if this machine cannot do a job.

    Attributes:
        why: the reason and the remedy.
    """

    why: str


class RayWorker:
    """A worker that has one model at a time.

    Args:
        n_cpus: cores that it may use.
    """

    def __init__(self, n_cpus: int) -> None:
        self._n_cpus = n_cpus
        self._path: str | None = None
        self._worker: SweepWorker | None = None

    def build(self) -> dict[str, str]:
        """Return the build that it computes with."""
        return build()

    def do(self, job: Job, orders: Orders) -> Iterator[Any]:
        """Yield the job's results, each as soon as it is available, or a ``Refused``."""
        found = self._load(job.model, orders)
        if isinstance(found, Refused):
            yield found
        else:
            yield from job.work(found)

    def _load(self, path: str, orders: Orders) -> SweepWorker | Refused:
        if self._worker is not None and self._path == path:
            return self._worker
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        if not Path(path).is_file():
            return Refused(f"it has no {path}: copy the model to the same path on every machine")
        loaded = self._checked(path, orders)
        if isinstance(loaded, SweepWorker):
            self._path, self._worker = path, loaded
        return loaded

    def _checked(self, path: str, orders: Orders) -> SweepWorker | Refused:
        """Return the model. Its file is read once for its SHA-256, by ``SweepWorker``, unless it cannot be used."""
        try:
            worker = SweepWorker(path, orders.plan, self._options(orders.options))
        except DrugsError:
            if (sha256 := sha256_of(path)) != orders.sha256[path]:
                return self._refuse(path, sha256, orders)
            raise
        if worker.info.key == orders.sha256[path]:
            return worker
        worker.close()
        return self._refuse(path, worker.info.key, orders)

    def _refuse(self, path: str, sha256: str, orders: Orders) -> Refused:
        return Refused(
            f"its {path} has the SHA-256 {sha256}, but the one where the sweep was started has {orders.sha256[path]}: "
            "copy the same file to every machine"
        )

    def _options(self, options: WorkerOptions) -> WorkerOptions:
        """Set one thread for each physical core, but no more than the worker's share."""
        n_threads = options.n_threads or max(1, min(self._n_cpus, _core.default_threads()))
        return dataclasses.replace(options, n_threads=n_threads)
