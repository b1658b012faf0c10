"""Workers of a Ray cluster for tests: each does what files say, in a folder that the cluster knows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

from drugs_cpp.study import sweep_worker
from drugs_cpp.study.ray_worker import Orders, RayWorker
from drugs_cpp.study.setting import SOBER
from drugs_cpp.study.sweep_jobs import Job, TextResult
from support.patience import wait_until

#: names the folder
FOLDER = "DRUGS_TEST_RAY"

#: files in it: names of nodes, or what kills a worker
OTHER_FILE, OTHER_BUILD, POISON = "other_file", "other_build", "poison"

#: nodes that must be working at the same time before the first dosed text is written
N_NODES = 4

#: seconds per text, so that workers are killed in the middle
SLOW = 0.1


def folder() -> Path:
    return Path(os.environ[FOLDER])


def said(name: str) -> list[str]:
    """Lines of a file; none if it is not there."""
    path = folder() / name
    return path.read_text().split("\n") if path.is_file() else []


class TestWorker(RayWorker):
    """Records which texts it has written."""

    __test__ = False  # otherwise, pytest would take it for tests

    def __init__(self, n_cpus: int) -> None:
        super().__init__(n_cpus)
        self._node = ray.get_runtime_context().get_node_id()
        if self._node in said(OTHER_FILE):
            vars(sweep_worker)["sha256_of"] = lambda _: "0" * 64

    def build(self) -> dict[str, str]:
        return {**super().build(), **({"version": "0.0.1"} if self._node in said(OTHER_BUILD) else {})}

    def do(self, job: Job, orders: Orders) -> Iterator[Any]:
        for item in super().do(job, orders):
            if isinstance(item, TextResult):
                self._note(item)
            yield item

    def _note(self, result: TextResult) -> None:
        name = f"{result.setting.site} {result.row.seed}"
        if name in said(POISON):
            os._exit(1)
        with (folder() / f"written-{self._node}").open("a") as file:
            file.write(f"{name}\n")


class SlowWorker(TestWorker):
    """Takes its time."""

    def _note(self, result: TextResult) -> None:
        time.sleep(SLOW)
        super()._note(result)


class TogetherWorker(SlowWorker):
    """Starts when N_NODES nodes have a worker with dosed texts to write, which wait for the sober text."""

    def _note(self, result: TextResult) -> None:
        if result.setting.site != SOBER:
            (folder() / f"begun-{self._node}").touch()
            wait_until(lambda: len(list(folder().glob("begun-*"))) >= N_NODES)
        super()._note(result)
