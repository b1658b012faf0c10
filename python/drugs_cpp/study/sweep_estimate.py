"""How long a sweep will take, estimated by a short measurement."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.study.sweep_run import SweepBook
from drugs_cpp.study.sweep_worker import SweepWorker

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_plan import SweepPlan
    from drugs_cpp.study.sweep_run import Orders
    from drugs_cpp.study.sweep_store import SweepStore
    from drugs_cpp.study.sweep_worker import WorkerOptions

#: new tokens of each text in the measurement
_TOKENS = 12

#: texts in the measurement, as many as are decoded together
_TEXTS = 64


@dataclass(frozen=True)
class Estimate:
    """What is missing of a model's texts.

    Attributes:
        model: its name.
        n_texts: number of missing texts.
        n_tokens: their tokens at most; texts may end sooner.
        tokens_per_second: tokens written, and read again if likelihoods are wanted, in the measurement.
    """

    model: str
    n_texts: int
    n_tokens: int
    tokens_per_second: float

    @property
    def seconds(self) -> float:
        """Seconds until all are written, at most."""
        return self.n_tokens / self.tokens_per_second if self.n_texts else 0.0


def estimate(path: str, plan: SweepPlan, store: SweepStore, options: WorkerOptions) -> Estimate:
    """Write a few tokens of some of a model's missing texts, and keep none of them.

    Raises:
        As :func:`drugs_cpp.study.sweep`.
    """
    with SweepWorker(path, plan, options) as worker:
        info, todo = worker.info, SweepBook(store, plan, worker.info).todo()
    n_texts = sum(len(some.orders) for some in todo)
    n_tokens = n_texts * plan.sober.max_tokens
    if not todo:
        return Estimate(info.name, 0, 0, 0.0)
    n_short = min(_TOKENS, plan.sober.max_tokens)
    short = replace(plan, settings=tuple(replace(setting, max_tokens=n_short) for setting in plan.settings))
    orders = [(replace(setting, max_tokens=n_short), seed) for setting, seed in _spread(todo[0].orders)]
    with SweepWorker(path, short, options) as worker:
        start = time.monotonic()
        rows = [row for _, row in worker.write(todo[0].prompt, orders)]
        written = np.concatenate([row.tokens for row in rows])
        seconds = (time.monotonic() - start) / max(len(written), 1)
    if options.likelihood and len(written):
        with SweepWorker(path, plan, options) as worker:
            some = written[: plan.sober.max_tokens]
            start = time.monotonic()
            list(worker.score(todo[0].prompt, [some]))
            seconds += (time.monotonic() - start) / len(some)
    return Estimate(info.name, n_texts, n_tokens, 1 / seconds)


def _spread(orders: Orders) -> Orders:
    """Return some texts of all settings."""
    step = max(1, len(orders) // _TEXTS)
    return orders[::step][:_TEXTS]
