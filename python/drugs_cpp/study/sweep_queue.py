"""``JobQueue``: jobs that wait, and those that no worker survives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_jobs import Job

#: a job that has ended so many workers, without a result in between, gets no other one
MOST_DEATHS = 3


class JobQueue:
    """Jobs in order.

    Attributes:
        spoilt: jobs that were given up, and how the last worker ended.
    """

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs: deque[tuple[Job, int]] = deque()
        self.spoilt: list[tuple[Job, str]] = []
        self.add(jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, jobs: Iterable[Job]) -> None:
        """Add jobs at the end."""
        self._jobs.extend((job, 0) for job in jobs)

    def take(self, model: str | None) -> tuple[Job, int]:
        """The next job and how many workers it has ended; one of this model if there is any, for loading takes long."""
        index = next((i for i, (job, _) in enumerate(self._jobs) if job.model == model), 0)
        taken = self._jobs[index]
        del self._jobs[index]
        return taken

    def put_back(self, job: Job, n_deaths: int) -> None:
        """Add a job that was begun at the front."""
        self._jobs.appendleft((job, n_deaths))

    def after_death(self, job: Job, n_deaths: int, found: Sequence[Any], reason: str) -> None:
        """Put back what is left of a job whose worker has ended, or give it up."""
        rest = job.rest(found)
        if rest is None:
            return
        n_deaths = 1 if found else n_deaths + 1
        if n_deaths < MOST_DEATHS:
            self.put_back(rest, n_deaths)
        else:
            self.spoilt.append((rest, reason))
