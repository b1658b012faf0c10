"""``JobQueue``: waiting jobs, and those that no worker survives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_jobs import Job

#: a text that this many workers have died of is given up
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

    def add(self, jobs: Iterable[Job], n_deaths: int = 0) -> None:
        """Add jobs at the end; ``n_deaths`` workers have died of them."""
        self._jobs.extend((job, n_deaths) for job in jobs)

    def take(self, model: str | None) -> tuple[Job, int]:
        """Return the next job and how many workers have died of it. Jobs of this model come first: loading is slow."""
        index = next((i for i, (job, _) in enumerate(self._jobs) if job.model == model), 0)
        taken = self._jobs[index]
        del self._jobs[index]
        return taken

    def after_death(self, job: Job, n_deaths: int, found: Sequence[Any], reason: str) -> None:
        """Put what is left of a job whose worker has died last, so that others are done before more workers die of it.

        Before the last try it is split into single texts, so that only the text they die of is given up.
        """
        rest = job.rest(found)
        if rest is None:
            return
        n_deaths = 1 if found else n_deaths + 1
        if n_deaths == MOST_DEATHS:
            self.spoilt.append((rest, reason))
        else:
            self.add(rest.singles() if n_deaths == MOST_DEATHS - 1 else [rest], n_deaths)
