"""Sweeps on a Ray cluster of three nodes: the same texts as on one machine, whichever process dies."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from drugs_cpp import ClusterError, ClusterWarning, MissingExtraError, ModelNotFoundError, OptionError
from drugs_cpp.study.ray_cluster import Place, check_per, places_of
from drugs_cpp.study.sweep_jobs import text_jobs
from drugs_cpp.study.sweep_plan import make_plan
from drugs_cpp.study.sweep_queue import JobQueue
from drugs_cpp.study.sweep_ray import sweep_on_ray
from drugs_cpp.study.sweep_run import Todo, open_sweep, sweep
from drugs_cpp.study.sweep_worker import WorkerOptions
from support.patience import wait_until
from support.process import run_python
from support.ray_plan import OPTIONS, PLAN

TESTS = Path(__file__).parent

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray has no wheel for this Python on this system: `pip install ray` where it has one",
)

#: warnings from Ray itself
pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("ResourceWarning", "FutureWarning")]


#: how soon a node counts as dead; the default is half a minute
HEALTH = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


class Cluster:
    """Three nodes on 127.0.0.1, and a folder that controls what its workers do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cluster = importlib.import_module("ray.cluster_utils").Cluster()
        self._nodes: list[Any] = []
        self.complete()
        self.address = str(self._cluster.address)
        self.workers = importlib.import_module("support.ray_workers")

    def complete(self) -> None:
        """Make sure that there are at least three nodes, and an empty folder."""
        for file in self.folder.iterdir():
            file.unlink()
        while len(self._nodes) < 3:
            self.add()

    def add(self) -> None:
        """Add a node."""
        options: dict[str, Any] = {} if self._nodes else {"include_dashboard": False, "_system_config": HEALTH}
        self._nodes.append(self._cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1", **options))

    def names(self) -> list[str]:
        """Names of the nodes; the first one is the head."""
        return [node.node_id for node in self._nodes]

    def kill_one(self) -> str:
        """Kill a node other than the head, and return its name."""
        node = self._nodes.pop(1)
        self._cluster.remove_node(node, allow_graceful=False)
        return str(node.node_id)

    def say(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("\n".join(lines))

    def written(self) -> dict[str, list[str]]:
        """The texts that each node has written."""
        return {path.name.partition("-")[2]: path.read_text().splitlines() for path in self.folder.glob("written-*")}

    def close(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("ray")
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(TESTS)])
    before = set(psutil.pids())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # keeps a loopback address
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("DRUGS_TEST_RAY", str(folder))
        patch.setenv("PYTHONPATH", path)
        cluster = Cluster(folder)
        try:
            yield cluster
        finally:
            cluster.close()
    wait_until(lambda: not [process for process in _of_ray() if process.pid not in before])


def _of_ray() -> list[psutil.Process]:
    """Processes of Ray that this process has started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any(name in process.name() for name in ("raylet", "gcs_server", "ray::")):
                found.append(process)
    return found


@pytest.fixture
def cluster(one_cluster: Cluster) -> Cluster:
    one_cluster.complete()
    return one_cluster


@pytest.fixture(scope="module")
def alone(tiny_model_path: str, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """What a single machine writes."""
    store = tmp_path_factory.mktemp("alone") / "sweep.db"
    sweep([tiny_model_path], PLAN, store, OPTIONS)
    return rows(store)


def rows(store: Path) -> dict[Any, Any]:
    """Everything known about texts except how long they took, by prompt, setting and seed."""
    found = {}
    with open_sweep(store) as results:
        prompts, settings, models, origins = results.prompts(), results.settings(), results.models(), results.origins()
        for cell in results.cells():
            for origin, row in results.texts_and_origins(cell):
                values = {name: np.asarray(value).tolist() for name, value in asdict(row).items() if name != "seconds"}
                key = (models[cell.model], prompts[cell.prompt], settings[cell.setting], row.seed)
                found[key] = (values, origins[origin])
    return found


#
# on a cluster
#


@needs_ray
def test_texts_are_those_of_one_machine(
    cluster: Cluster, alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path
) -> None:
    store, told = tmp_path / "sweep.db", list[tuple[int, int]]()
    no_likelihood = WorkerOptions(n_threads=1, likelihood=False)
    first = make_plan(PLAN.prompts, sites=["A"], doses=[0.5], seeds=[2, 3], max_tokens=8)
    assert sweep_on_ray([tiny_model_path], first, store, cluster.address, no_likelihood, per=1) == first.n_texts
    assert all(values["log_likelihood"] is None for values, _ in rows(store).values())
    n_missing = PLAN.n_texts - first.n_texts
    n_done = sweep_on_ray(
        [tiny_model_path], PLAN, store, cluster.address, OPTIONS, progress=lambda n, n_all, _: told.append((n, n_all))
    )
    assert n_done == PLAN.n_texts  # the first ones are read again
    n_steps = n_missing + PLAN.n_texts
    assert told == [(n + 1, n_steps) for n in range(n_steps)]
    assert rows(store) == alone
    assert sweep_on_ray([tiny_model_path], PLAN, store, cluster.address, OPTIONS) == 0


@needs_ray
def test_a_node_that_is_killed(cluster: Cluster, alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path) -> None:
    """A node that joins in the middle is used."""
    store, killed = tmp_path / "sweep.db", list[str]()

    def add_and_kill(n_done: int, *_: object) -> None:
        if n_done == 1:
            cluster.add()
        elif not killed and cluster.names()[1] in cluster.written():
            killed.append(cluster.kill_one())

    n_done = sweep_on_ray(
        [tiny_model_path],
        PLAN,
        store,
        cluster.address,
        OPTIONS,
        progress=add_and_kill,
        worker_class=cluster.workers.TogetherWorker,
    )
    assert n_done == PLAN.n_texts
    assert rows(store) == alone
    written = cluster.written()
    assert len(written) == cluster.workers.N_NODES
    assert 0 < len(written[killed[0]]) < PLAN.n_texts / 3
    assert sum(map(len, written.values())) <= PLAN.n_texts + 4


@needs_ray
def test_a_driver_that_is_killed(cluster: Cluster, alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    command = [sys.executable, "-m", "support.ray_driver", tiny_model_path, str(store), cluster.address]
    with subprocess.Popen(command) as driver:
        wait_until(lambda: driver.poll() is not None or (store.exists() and len(rows(store)) >= 3))
        assert driver.poll() is None
        driver.kill()
    n_kept = len(rows(store))
    assert 3 <= n_kept < PLAN.n_texts
    assert sweep_on_ray([tiny_model_path], PLAN, store, cluster.address, OPTIONS) >= PLAN.n_texts - n_kept
    assert rows(store) == alone


@needs_ray
def test_machines_with_another_file_are_not_used(
    cluster: Cluster, alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path
) -> None:
    store = tmp_path / "sweep.db"
    cluster.say("other_file", *cluster.names()[:2])
    # slow, so that those two are looked at before the others have done everything
    with pytest.warns(ClusterWarning, match=r"127.0.0.1: its .*tiny.gguf has the SHA-256 0000.*copy the same file"):
        sweep_on_ray([tiny_model_path], PLAN, store, cluster.address, OPTIONS, worker_class=cluster.workers.SlowWorker)
    assert list(cluster.written()) == cluster.names()[2:]
    assert rows(store) == alone


@needs_ray
def test_machines_with_another_build(cluster: Cluster, tiny_model_path: str, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    cluster.say("other_build", *cluster.names())
    message = r"127.0.0.1: its drugs_cpp differs \(version 0.0.1; here version [0-9.]+\): install the same package"
    with pytest.warns(ClusterWarning, match=message), pytest.raises(ClusterError, match=f"no machine .*{message}"):
        sweep_on_ray([tiny_model_path], PLAN, store, cluster.address, OPTIONS, worker_class=cluster.workers.TestWorker)
    assert not rows(store)


@needs_ray
def test_a_text_that_workers_die_of(
    cluster: Cluster, alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path
) -> None:
    store = tmp_path / "sweep.db"
    cluster.say("poison", "K 6")
    plan = replace(PLAN, prompts=PLAN.prompts[:1])
    with pytest.raises(ClusterError, match=r"again: prompt 'sea', K 0.5 seed 6 \(the last one by: The actor died"):
        sweep_on_ray([tiny_model_path], plan, store, cluster.address, OPTIONS, worker_class=cluster.workers.TestWorker)
    expected = {key: row for key, row in alone.items() if key[1] == PLAN.prompts[0]}
    assert rows(store) == {key: row for key, row in expected.items() if (key[2].site, key[3]) != ("K", 6)}


@needs_ray
def test_mistakes_are_found_before_anything_is_written(cluster: Cluster, tiny_model_path: str, tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    long = make_plan(PLAN.prompts, sites=["A"], doses=[0.5], max_tokens=100_000)
    with pytest.raises(ValueError, match="smaller max_tokens"):
        sweep_on_ray([tiny_model_path], long, store, cluster.address, OPTIONS)
    with pytest.raises(ClusterError, match=r"no room for a worker per 2: it has 1 cores"):
        sweep_on_ray([tiny_model_path], PLAN, store, cluster.address, OPTIONS, per=2)
    assert not rows(store)


#
# without one
#


@needs_ray
def test_addresses_where_nobody_answers(tiny_model_path: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for address, message in [
            (f"127.0.0.1:{taken.getsockname()[1]}", "no Ray cluster answers at 127.0.0.1"),
            ("nowhere", "'nowhere' is not the address"),
            ("ray://127.0.0.1:10001", "is not the address"),
            ("127.0.0.1:99999999", "no Ray cluster answers"),
        ]:
            with pytest.raises(ClusterError, match=message):
                sweep_on_ray([tiny_model_path], PLAN, tmp_path / "sweep.db", address, OPTIONS)


@needs_ray
def test_a_cluster_of_its_own(alone: dict[Any, Any], tiny_model_path: str, tmp_path: Path) -> None:
    """In a separate process, because Ray cannot have two clusters in one."""
    store = tmp_path / "sweep.db"
    run = run_python("-m", "support.ray_driver", tiny_model_path, str(store), "local")
    assert run.returncode == 0, run.stderr
    assert rows(store) == alone


def test_without_ray(tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "drugs_cpp\[ray\]"'):
        sweep_on_ray([tiny_model_path], PLAN, tmp_path / "sweep.db", "local", OPTIONS)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        sweep_on_ray([str(tmp_path / "none.gguf")], PLAN, tmp_path / "sweep.db", "local", OPTIONS)


@pytest.mark.parametrize(
    ("per", "n_gpu_layers", "message"),
    [
        ("core", 0, "per 'core'"),
        (0, 0, "per 0"),
        (True, 0, "per True"),
        ("gpu", 0, "-1 for all"),
        (4, -1, "no graphics card"),
    ],
)
def test_workers_that_cannot_be_placed(per: Any, n_gpu_layers: int, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_per(per, n_gpu_layers)


def test_places() -> None:
    node = {"NodeID": "a", "NodeManagerAddress": "10.0.0.1", "Alive": True, "Resources": {"CPU": 9.0, "GPU": 2.0}}
    assert places_of(node, "node") == [Place("a", "10.0.0.1", 0, 9, 2)]
    assert places_of(node, "gpu") == [Place("a", "10.0.0.1", number, 4, 1) for number in range(2)]
    assert places_of(node, 4) == [Place("a", "10.0.0.1", number, 4, 0) for number in range(2)]
    assert places_of(node, 10) == []
    assert places_of({**node, "Resources": {"CPU": 4.0}}, "gpu") == []
    assert places_of({**node, "Resources": {}}, "node") == []
    assert places_of({**node, "Alive": False}, "node") == []


#
# jobs
#


def test_jobs_hold_all_texts_and_no_two_sites() -> None:
    todo = Todo(PLAN.prompts[0], 1, PLAN.texts(), None)
    jobs = text_jobs("m", todo, 3)
    assert [order for job in jobs for order in job.todo.orders] == PLAN.texts()
    assert [len(job.todo.orders) for job in jobs] == [4, 3, 2, 3, 3, 2]
    assert {len({setting.site for setting, _ in job.todo.orders} - {"sober"}) for job in jobs} == {1}


def test_a_worker_gets_jobs_of_the_model_that_it_has() -> None:
    todo = Todo(PLAN.prompts[0], 1, PLAN.texts(), None)
    (a, *_), (b, *_) = text_jobs("a", todo, 9), text_jobs("b", todo, 9)
    queue = JobQueue([a, b, a])
    assert [queue.take("b")[0], queue.take("b")[0], queue.take(None)[0]] == [b, a, a]
    assert not queue
