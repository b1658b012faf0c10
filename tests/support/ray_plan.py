"""A small sweep for tests of Ray."""

from __future__ import annotations

from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.sweep_plan import make_plan
from drugs_cpp.study.sweep_worker import WorkerOptions

PLAN = make_plan(
    [Prompt("sea", text="Outside, above the noise of the sea,"), Prompt("log", text="He opened the log and found")],
    sites=["A", "K"],
    doses=[0.5],
    seeds=range(1, 9),
    max_tokens=8,
)

OPTIONS = WorkerOptions(n_threads=1)
