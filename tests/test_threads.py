"""The default number of threads, whose threads they are, and what happens to the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drugs_cpp import Llama, _core
from support.patience import PATIENCE
from support.program import DRUGS

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it this way")

#: two cores with two threads each
SIBLINGS = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}


def machine(root: Path, files: dict[str, str], siblings: dict[int, str] = SIBLINGS) -> str:
    """A folder that stands for the root of the file system."""
    topology = {f"sys/devices/system/cpu/cpu{i}/topology/thread_siblings_list": text for i, text in siblings.items()}
    for name, text in {**topology, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    return str(root)


#: eight cores with one thread each
EIGHT = {i: str(i) for i in range(8)}

V1 = "3:memory:/other\n2:cpu,cpuacct:/a/b"


@linux
@pytest.mark.parametrize(
    ("processors", "n_threads"), [([0, 1, 2, 3], 2), ([0, 2], 1), ([1], 1), ([2, 3], 2), ([0, 1, 2], 2)]
)
def test_a_thread_for_each_physical_core_that_the_process_may_use(
    tmp_path: Path, processors: list[int], n_threads: int
) -> None:
    assert _core.default_threads(machine(tmp_path, {}), processors) == n_threads


@linux
def test_processors_count_where_nothing_says_which_share_a_core(tmp_path: Path) -> None:
    assert _core.default_threads(str(tmp_path), [0, 1, 2]) == 3
    assert _core.default_threads(str(tmp_path), []) == 1


@linux
def test_slow_cores_do_not_count_beside_fast_ones(tmp_path: Path) -> None:
    root = machine(tmp_path, {"sys/devices/cpu_core/cpus": "0-2,4"}, EIGHT)
    assert _core.default_threads(root, list(range(8))) == 4
    assert _core.default_threads(root, [2, 3, 4, 5]) == 2
    assert _core.default_threads(root, [5, 6, 7]) == 3  # only slow ones are allowed


@linux
@pytest.mark.parametrize(
    ("files", "n_threads"),
    [
        # version 2
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "300000 100000"}, 3),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, 8),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "20000 100000"}, 1),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "150000 100000"}, 2),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "400000 100000"}, 4),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpu.max": "50000 25000"}, 2),
        (
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/a/b/cpu.max": "500000 100000",
                "sys/fs/cgroup/a/cpu.max": "300000 100000",
            },
            3,
        ),
        ({"proc/self/cgroup": "0::/of/the/machine/around", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "nonsense"}, 8),
        # version 1
        (
            {
                "proc/self/cgroup": V1,
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000",
            },
            8,
        ),
        (
            {
                "proc/self/cgroup": V1,
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": V1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            3,
        ),
        # neither exists, or only another controller
        ({}, 8),
        ({"proc/self/cgroup": "2:cpuset:/", "sys/fs/cgroup/cpuset/cpu.max": "100000 100000"}, 8),
    ],
)
def test_no_more_threads_than_the_control_groups_allow(tmp_path: Path, files: dict[str, str], n_threads: int) -> None:
    assert _core.default_threads(machine(tmp_path, files, EIGHT), list(range(8))) == n_threads


@linux
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
def test_program_and_python_take_the_same_number_of_threads(tiny_model_path: str) -> None:
    bench = [DRUGS, "bench", "-m", tiny_model_path, "-p", "0", "-n", "1", "-r", "1", "-o", "json"]
    usable = os.sched_getaffinity(0)
    for processors in (usable, {min(usable)}):
        confine = f"import os, sys; os.sched_setaffinity(0, {processors})"
        python = f"{confine}; from drugs_cpp import _core; print(_core.default_threads())"
        of_python = int(run([sys.executable, "-c", python]))
        program = f"{confine}; os.execv(sys.argv[1], sys.argv[1:])"
        (found,) = json.loads(run([sys.executable, "-c", program, *bench]))
        assert found["n_threads"] == of_python
    assert of_python == 1


def test_llama_takes_the_default_and_keeps_what_it_is_given(tiny_model_path: str) -> None:
    default = _core.default_threads()
    cases: list[tuple[dict[str, Any], tuple[int, int]]] = [
        ({}, (default, default)),
        ({"n_threads": None}, (default, default)),
        ({"n_threads": 3}, (3, default)),
        ({"n_threads_batch": 3}, (default, 3)),
    ]
    for given, expected in cases:
        llm = Llama(tiny_model_path, n_ctx=64, verbose=False, **given)
        assert (llm.n_threads, llm.n_threads_batch) == expected
        assert (llm.context_params.n_threads, llm.context_params.n_threads_batch) == expected
        llm.close()


#
# whose threads they are, and the environment
#

#: computes with three threads; then prints the environment of a child, and the names of this process's threads
REPORT = """
import json, os, subprocess, sys
before = dict(os.environ)
import drugs_cpp, llama_cpp
known = dict(os.environ)
llm = drugs_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=3, n_threads_batch=3, verbose=False)
llm.eval([1, 2, 3])
llm.eval([4])
logits = llm.eval_logits[-1]
names = []
for task in os.listdir("/proc/self/task"):
    with open(f"/proc/self/task/{task}/comm") as file:
        names.append(file.read().strip())
child = subprocess.run(["cat", "/proc/self/environ"], capture_output=True).stdout.decode().split("\\0")
print(json.dumps({
    "python": [name for name in os.environ if before.get(name) != os.environ[name]],
    "child": [text for text in child if text and before.get(text.partition("=")[0]) != text.partition("=")[2]],
    "openmp": {name: text for name, text in (line.split("=", 1) for line in child if line) if "OMP_" in name},
    "ours": names.count("ggml-team"),
    "logits": [float(number).hex() for number in logits],
}))
"""

#: where llama-cpp-python finds its libraries; the third is set by llama.cpp itself, for LLVM's OpenMP
KNOWN = {"LLAMA_CPP_LIB_PATH", "MTMD_CPP_LIB", "KMP_BLOCKTIME"}


def run(command: list[str], **environment: str) -> str:
    openmp = ("OMP_", "GOMP_", "KMP_")
    settings = {name: text for name, text in os.environ.items() if not name.startswith(openmp)}
    env = {**settings, **environment}
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def report(model: str, **environment: str) -> dict[str, Any]:
    return dict(json.loads(run([sys.executable, "-c", REPORT, model], **environment).splitlines()[-1]))


@linux
def test_threads_of_our_own_leave_the_environment_alone(tiny_model_path: str) -> None:
    found = report(tiny_model_path)
    assert found["ours"] == 2  # the third thread is the caller's
    assert set(found["python"]) <= KNOWN
    assert {text.partition("=")[0] for text in found["child"]} <= KNOWN
    assert found["openmp"] == {}


@linux
@pytest.mark.parametrize("variable", ["OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=100", "OMP_PROC_BIND=false"])
def test_who_sets_openmp_gets_openmp(tiny_model_path: str, variable: str) -> None:
    name, _, text = variable.partition("=")
    found = report(tiny_model_path, **{name: text})
    assert found["openmp"] == {name: text}
    assert found["ours"] == 0
    assert found["logits"] == report(tiny_model_path)["logits"]


@linux
def test_number_of_openmp_threads_says_nothing_about_waiting(tiny_model_path: str) -> None:
    found = report(tiny_model_path, OMP_NUM_THREADS="1")
    assert found["ours"] == 2
    assert found["openmp"] == {"OMP_NUM_THREADS": "1"}


MANY_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
import drugs_cpp
def text(n_threads):
    llm = drugs_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=n_threads, n_threads_batch=n_threads + 1, verbose=False)
    tokens = [llm.create_completion([1, 2, 3], max_tokens=20, temperature=0)["choices"][0]["text"] for _ in range(10)]
    llm.close()
    return tokens
one = text(1)
with ThreadPoolExecutor(4) as pool:
    assert all(found == one for found in pool.map(text, [2, 3, 4, 2, 3, 4]))
"""


def test_several_models_compute_at_once(tiny_model_path: str) -> None:
    run([sys.executable, "-c", MANY_AT_ONCE, tiny_model_path])


FORK = """
import os, sys
import drugs_cpp
llm = drugs_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=2, n_threads_batch=2, verbose=False)
def text():
    return llm.create_completion([1, 2, 3], max_tokens=8, temperature=0)["choices"][0]["text"]
before = text()
child = os.fork()
if child == 0:
    os._exit(0 if text() == before else 1)
assert os.waitpid(child, 0)[1] == 0
assert text() == before
"""


@linux
def test_a_child_process_computes_with_threads_of_its_own(tiny_model_path: str) -> None:
    run([sys.executable, "-W", "ignore", "-c", FORK, tiny_model_path])
