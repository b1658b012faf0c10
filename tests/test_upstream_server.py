"""Upstream's own tests of its server pass on `drugs serve`, unchanged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.server_process import free_port
from conftest import built_by_make
from support.program import DRUGS
from support.tiny_model import N_VOCAB, PAIRS, add_pairs, write_tiny_model

HERE = Path(__file__).parent / "upstream_server"

#: with `make upstream-server-tests`: all files, and the real model, for those that need its words or template
ALL = bool(os.environ.get("DRUGS_ALL_UPSTREAM_SERVER_TESTS"))

#: otherwise those about what the patches change, which start a server for each test: a random model is there at once
FILES = ("unit",) if ALL else ("unit/test_completion.py", "unit/test_metrics.py")


@pytest.fixture
def small_model(model_path: str, tmp_path: Path) -> str:
    if ALL:
        return model_path
    path = tmp_path / "small.gguf"
    # upstream's small model has a vocabulary and a context of such sizes
    write_tiny_model(path, n_ctx=2048, n_vocab=N_VOCAB + len(PAIRS), add_vocabulary=add_pairs)
    return str(path)


def test_upstreams_own_tests_pass(small_model: str, tmp_path: Path) -> None:
    folder = Path(built_by_make("DRUGS_UPSTREAM_SERVER_TESTS"))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), str(folder), str(HERE.parent)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parents[3]),  # this repository ignores the folder it is built in
        "LLAMA_SERVER_BIN_PATH": str(HERE / "server_with_small_model.py"),
        "LLAMA_CACHE": str(tmp_path),
        "DRUGS_PROGRAM": f"'{DRUGS}' serve",
        "DRUGS_SMALL_MODEL": small_model,
        "PORT": str(free_port()),
    }
    options = ["--noconftest", "-p", "upstream_server_plugin", "-p", "no:cacheprovider", "-q", "-m", "not slow", "-rf"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", str(folder / "pytest.ini"), *FILES],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= (200 if ALL else 30)


def test_each_that_is_left_out_has_a_reason() -> None:
    lines = (HERE / "left_out.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert not line or line.startswith("#") or re.fullmatch(r"unit/test_\w+\.py(::test_.+)?  \S.*", line), line
