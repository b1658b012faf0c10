"""The fuzzers' targets (tests/fuzz) with the saved corpus and mutations of it; `make fuzz` searches for more."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path

import pytest

from conftest import built_by_make
from fuzz.mutations import mutations, words_of
from fuzz.targets import IN_CPP, IN_PYTHON, TARGETS, Check, dictionary, kept

N_MUTATIONS = {
    "profile": 1000,
    "doses": 500,
    "request": 300,
    "saved_doses": 300,
    "model_header": 100,
    "saved_state": 100,
}

SEED = 3


def inputs(target: str) -> list[bytes]:
    corpus = [path.read_bytes() for path in kept(target)]
    return [*corpus, *mutations(corpus, words_of(dictionary(target)), N_MUTATIONS[target], SEED)]


@pytest.mark.parametrize("target", IN_CPP)
def test_in_cpp(target: str, tmp_path: Path) -> None:
    program = Path(built_by_make("DRUGS_FUZZ")) / f"replay-{target}"
    files = [tmp_path / str(i) for i in range(len(kept(target)) + N_MUTATIONS[target])]
    for file, data in zip(files, inputs(target)):
        file.write_bytes(data)
    run = subprocess.run([program, *files], capture_output=True, text=True, errors="replace", check=False)
    said = run.stdout.splitlines()
    assert run.returncode == 0, f"{Path(said[-1]).read_bytes()!r}: {run.stderr}"
    assert said == list(map(str, files))


@pytest.mark.parametrize("target", IN_PYTHON)
def test_in_python(target: str) -> None:
    if target == "saved_doses":
        built_by_make("DRUGS_FUZZ")
    check: Check = importlib.import_module(f"fuzz.{target}").check
    for data in inputs(target):
        try:
            check(data)
        except BaseException as error:
            raise AssertionError(f"{data!r}: {error!r}") from error


def test_the_corpus_is_small() -> None:
    files = [path for target in TARGETS for path in kept(target)]
    assert len(files) <= 100
    assert sum(path.stat().st_size for path in files) <= 200_000
    assert all(kept(target) for target in TARGETS)
