"""``Crew``: workers on the machines of a Ray cluster. Each gets a job as soon as it is free."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import (
    BusyError,
    ClusterError,
    ClusterWarning,
    DecodeError,
    DrugsError,
    MemoryLimitError,
    ModelNotFoundError,
)
from drugs_cpp.study.ray_cluster import Per, Place, places_of
from drugs_cpp.study.ray_worker import Orders, RayWorker, Refused

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_jobs import Job
    from drugs_cpp.study.sweep_queue import JobQueue

#: seconds between checks for machines that have joined or left
_BETWEEN_LOOKS = 2.0

#: longest wait for a result in seconds, so that machines are checked in between
_TICK = 0.5

#: seconds to wait while no worker has started
_PATIENCE = 120.0

#: a place whose workers have ended this many times, without a result in between, gets no more workers
_MOST_FAILURES = 5

#: errors that may not occur on another machine; all others are caused by the plan or the model
_OF_A_MACHINE = (BusyError, DecodeError, MemoryLimitError, ModelNotFoundError)


@dataclass
class _Member:
    """A worker.

    Attributes:
        place: where it is.
        actor: Ray's handle.
        waits_for: its next result, or its first answer; None: it is free.
        has_started: it has reported its build.
        job: its current job, or None.
        n_deaths: how many workers this job has ended.
        found: results of the job so far.
        model: the one that it loaded last.
    """

    place: Place
    actor: Any
    waits_for: Any
    has_started: bool = False
    job: Job | None = None
    n_deaths: int = 0
    found: list[Any] = field(default_factory=list)
    model: str | None = None


class Crew:
    """Hires workers where there is room, including on machines that join later. It has to be closed; ``with`` does so.

    Args:
        ray: the module, connected.
        per: how workers are placed.
        orders: what they have to know.
        build: the build that they have to use.
        worker_class: class of the workers.
    """

    def __init__(
        self,
        ray: Any,
        per: Per,
        orders: Orders,
        build: Mapping[str, str],
        worker_class: type[RayWorker] = RayWorker,
    ) -> None:
        self._ray = ray
        self._per = per
        self._orders = ray.put(orders)
        self._build = dict(build)
        self._class = ray.remote(worker_class)
        self._places: set[Place] = set()  # on machines that are available
        self._members: dict[Place, _Member] = {}
        self._refused: dict[Place, str] = {}
        self._failures: dict[Place, int] = {}
        self._looked_at = float("-inf")
        self._worked_at = time.monotonic()
        self._look()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._members)

    def close(self) -> None:
        """End all workers."""
        for member in self._members.values():
            self._ray.kill(member.actor)
        self._members.clear()

    def run(self, queue: JobQueue) -> Iterator[tuple[Job, Any]]:
        """Do all jobs, including those that are added in the meantime, and yield each result as soon as it arrives.

        Raises:
            ClusterError: no machine can be used.
            DrugsError: a worker's error about the plan or a model.
        """
        while queue or any(member.job is not None for member in self._members.values()):
            self._look()
            self._check_hope()
            self._hand_out(queue)
            yield from self._results(queue)

    #
    # workers come and go
    #

    def _look(self) -> None:
        """Hire where there is room."""
        now = time.monotonic()
        if now - self._looked_at < _BETWEEN_LOOKS:
            return
        self._looked_at = now
        self._places = {place for node in self._ray.nodes() for place in places_of(node, self._per)}
        for place in self._places - self._members.keys() - self._refused.keys():
            self._hire(place)

    def _hire(self, place: Place) -> None:
        strategies = self._ray.util.scheduling_strategies
        actor = self._class.options(
            num_cpus=place.n_cpus,
            num_gpus=place.n_gpus,
            max_restarts=0,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(place.node, soft=False),
        ).remote(place.n_cpus)
        self._members[place] = _Member(place, actor, actor.build.remote())

    def _dismiss(self, member: _Member, reason: str) -> None:
        """Stop using a worker's place."""
        self._ray.kill(member.actor)
        del self._members[member.place]
        self._refused[member.place] = f"{member.place.host}: {reason}"
        warnings.warn(f"a machine is not used: {self._refused[member.place]}", ClusterWarning, stacklevel=2)

    def _check_hope(self) -> None:
        if any(member.has_started for member in self._members.values()):
            self._worked_at = time.monotonic()
            return
        others_may_come = self._places - self._refused.keys() or (self._failures and not self._refused)
        if others_may_come and time.monotonic() - self._worked_at < _PATIENCE:
            return
        if self._refused:
            reasons = "; ".join(dict.fromkeys(self._refused.values()))
            raise ClusterError(f"no machine of the cluster can be used: {reasons}")
        raise ClusterError(
            f"the cluster has no room for a worker per {self._per}: it has {self._room()}; give fewer cores, start "
            "more machines, or end what else runs there"
        )

    def _room(self) -> str:
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return ", ".join(f"{node.get('CPU', 0):g} cores and {node.get('GPU', 0):g} gpus" for node in nodes) or "nothing"

    #
    # jobs and results
    #

    def _hand_out(self, queue: JobQueue) -> None:
        for member in self._members.values():
            if queue and member.has_started and member.job is None:
                member.job, member.n_deaths = queue.take(member.model)
                member.model, member.found = member.job.model, []
                stream = member.actor.do.options(num_returns="streaming")
                member.waits_for = stream.remote(member.job, self._orders)

    def _results(self, queue: JobQueue) -> Iterator[tuple[Job, Any]]:
        waiting = {member.waits_for: member for member in self._members.values() if member.waits_for is not None}
        if not waiting:
            time.sleep(_TICK)
        for ready in self._ready(list(waiting)):
            member = waiting[ready]
            try:
                yield from self._take(member, queue)
            except self._ray.exceptions.RayTaskError as error:
                self._explain(member, queue, error)
            except self._ray.exceptions.RayError as error:
                self._after_death(member, queue, _reason(error))

    def _ready(self, waiting: Sequence[Any]) -> list[Any]:
        """Wait until one is ready, and return all that are."""
        if not waiting or not self._ray.wait(waiting, num_returns=1, timeout=_TICK, fetch_local=False)[0]:
            return []
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        return list(ready)

    def _take(self, member: _Member, queue: JobQueue) -> Iterator[tuple[Job, Any]]:
        if not member.has_started:
            self._greet(member, self._ray.get(member.waits_for))
            return
        assert member.job is not None
        result = next(member.waits_for, None)
        item = None if result is None else self._ray.get(result)
        if item is None:
            member.job = member.waits_for = None
        elif isinstance(item, Refused):
            queue.add([member.job], member.n_deaths)
            self._dismiss(member, item.why)
        else:
            member.found.append(item)
            self._failures.pop(member.place, None)
            yield member.job, item

    def _greet(self, member: _Member, theirs: Mapping[str, str]) -> None:
        if theirs == self._build:
            member.has_started, member.waits_for = True, None
            return
        differ = {name for name in {*theirs, *self._build} if theirs.get(name) != self._build.get(name)}
        its, ours = (", ".join(f"{n} {build.get(n)}" for n in sorted(differ)) for build in (theirs, self._build))
        self._dismiss(member, f"its drugs_cpp differs ({its}; here {ours}): install the same package on every machine")

    def _explain(self, member: _Member, queue: JobQueue, error: Any) -> None:
        """Handle an exception of a worker."""
        cause = error.cause
        if isinstance(cause, DrugsError) and not isinstance(cause, _OF_A_MACHINE):
            raise cause from None
        self._after_death(member, queue, f"{type(cause).__name__}: {cause}")

    def _after_death(self, member: _Member, queue: JobQueue, reason: str) -> None:
        """Give the job to another worker, and the place a new worker, unless workers keep dying there."""
        place, job = member.place, member.job
        if job is not None:
            queue.after_death(job, member.n_deaths, member.found, reason)
        self._failures[place] = self._failures.get(place, 0) + 1
        if self._failures[place] >= _MOST_FAILURES:
            self._dismiss(member, f"its workers have ended {_MOST_FAILURES} times, the last time because of: {reason}")
        else:
            self._ray.kill(member.actor)
            del self._members[place]


def _reason(error: Exception) -> str:
    """Return the one line of a long message that gives the reason."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1] if "creation task" in lines[0] else lines[0]  # the last one is the exception
