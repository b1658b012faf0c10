"""The program `drugs`: its commands and options, and what doses do to a text."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import drugs_cpp
from drugs_cpp import DRUGS
from drugs_cpp.model.frozen_texts import FROZEN_TEXTS
from support.program import run_drugs
from support.quantized import write_quantized_model
from support.seeds import first_that
from upstream_source import read_pin

Tiny = Callable[..., str]

PROMPT = "Once upon a time"
RAMP = [{"depth": 0.2, "peakratio": 0}, {"depth": 0.7, "peakratio": 1}]
OPTIONS = {
    "--dose": "LLAMA_ARG_DOSE",
    "--dose-shape": "LLAMA_ARG_DOSE_SHAPE",
    "--dose-multiplier": "LLAMA_ARG_DOSE_MULTIPLIER",
    "--dose-profile": "LLAMA_ARG_DOSE_PROFILE",
    "--dose-seed": "LLAMA_ARG_DOSE_SEED",
    "--dose-noise": "LLAMA_ARG_DOSE_NOISE",
    "--dose-angle": "LLAMA_ARG_DOSE_ANGLE",
    "--dose-turn": "LLAMA_ARG_DOSE_TURN",
    "--dose-apart": "LLAMA_ARG_DOSE_APART",
    "--dose-course": "LLAMA_ARG_DOSE_COURSE",
    "--dose-hold": "LLAMA_ARG_DOSE_HOLD",
    "--dose-layers": "LLAMA_ARG_DOSE_LAYERS",
    "--dose-inputs-last": "LLAMA_ARG_DOSE_INPUTS_LAST",
    "--dose-sink": "LLAMA_ARG_DOSE_SINK",
    "--dose-inputs": "LLAMA_ARG_DOSE_INPUTS",
    "--sober-interval": "LLAMA_ARG_SOBER_INTERVAL",
    "--repeatable": "LLAMA_ARG_REPEATABLE",
}


def complete(*arguments: str, n: int = 24, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """The text that `drugs completion` writes after the prompt."""
    options = ("-p", PROMPT, "-n", str(n), "-no-cnv", "-c", "512", "--no-display-prompt")
    done = run_drugs("completion", *options, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def tiny(tiny_model_path: str) -> Tiny:
    """``complete`` with a model in float32: under a dose, it writes a different text on every processor."""

    def complete_tiny(*arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
        return complete("-m", tiny_model_path, "-c", "256", "-fa", "off", *arguments, environment=environment)

    return complete_tiny


def test_it_lists_its_commands() -> None:
    listed = run_drugs("help").stdout
    for command in ("serve", "chat", "completion", "bench", "perplexity"):
        assert re.search(rf"^  {command}\b", listed, re.MULTILINE), command
    assert run_drugs().stdout == listed
    assert "unknown command 'smoke'" in run_drugs("smoke").stderr


def test_it_does_not_update_itself() -> None:
    assert "update" not in run_drugs("help", "all").stdout.lower()
    assert "unknown command 'update'" in run_drugs("update").stderr


@pytest.mark.parametrize("command", ["--version", "version"])
def test_its_version_is_that_of_the_package_and_of_llama_cpp(command: str) -> None:
    ours, commit = metadata.version("drugs_cpp"), read_pin().llama_cpp_commit
    assert run_drugs(command).stdout == f"drugs_cpp {ours} (llama.cpp {commit})\n"


@pytest.mark.parametrize(
    "command", ["serve", "chat", "completion", "perplexity", "batched-bench", "bench", "fit-params"]
)
def test_every_command_has_the_options(command: str) -> None:
    shown = run_drugs(command, "--help").stdout
    for option, variable in OPTIONS.items():
        assert re.search(rf"^{option}\b(?!-)", shown, re.MULTILINE), option
        assert re.search(rf"\b{variable}\b", shown), variable
    assert ("--dose-max" in shown) == (command == "serve")


@pytest.mark.parametrize("command", ["serve", "chat", "completion", "perplexity"])
def test_help_begins_with_the_doses(command: str) -> None:
    shown = run_drugs(command, "--help").stdout
    assert shown.startswith("----- doses -----\n\n--dose ")
    doses, common = shown.split("----- common params -----")[:2]
    assert "--dose" not in common
    assert len(re.findall(rf"^  drugs {command} .*--dose", doses, flags=re.MULTILINE)) == 2


@pytest.mark.parametrize("command", ["chat", "completion", "perplexity"])
def test_the_examples_of_help_work(
    command: str, model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(model_path, tmp_path / "model.gguf")  # not a link, which Windows refuses to most users
    (tmp_path / "text.txt").write_text("\n\n".join(FROZEN_TEXTS), encoding="utf-8")
    for example in re.findall(rf"^  drugs ({command} .*)$", run_drugs(command, "--help").stdout, flags=re.MULTILINE):
        done = run_drugs(*shlex.split(example))
        assert done.returncode == 0, done.stderr


#
# what a dose does
#


def test_a_seed_is_a_text(tiny: Tiny) -> None:
    dosed = tiny("--dose", "A=0.4", "--dose-seed", "5")
    assert dosed == tiny("--dose", "A=0.4", "--dose-seed", "5")
    assert dosed != tiny("--dose", "A=0.4", "--dose-seed", "6")
    assert dosed != tiny("--temp", "0")
    assert tiny("--temp", "0") == tiny("--dose", "A=0", "--temp", "0")


def test_the_default_model_is_dosed() -> None:
    sober = complete("--temp", "0")
    assert first_that(lambda seed: complete("--dose", "A=0.4", "--dose-seed", str(seed)) != sober)


def test_without_a_seed_each_run_differs_and_says_its_seed() -> None:
    done = run_drugs("completion", "-p", PROMPT, "-n", "24", "-no-cnv", "--no-display-prompt", "--dose", "A=0.4")
    seed = json.loads(re.search(r"doses: (\{.*\})", done.stderr).group(1))["seed"]  # type: ignore[union-attr]
    assert done.stdout == complete("--dose", "A=0.4", "--dose-seed", str(seed))
    again = run_drugs("completion", "-p", PROMPT, "-n", "24", "-no-cnv", "--dose", "A=0.4")
    assert f'"seed":{seed},' not in again.stderr


def test_the_options_say_what_a_file_of_python_says(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "doses.json"
    drugs = DRUGS(A=0.4, Q=0.2, shape={"A": (RAMP, "ceil")}, seed=3, noise="reference")
    drugs.save(path)
    of_file = tiny("--dose-profile", str(path))
    others = ("--dose-shape", "A=ceil:0.2:0,0.7:1", "--dose-noise", "reference", "--dose-seed", "3")
    assert of_file == tiny("--dose", "A=0.4", "--dose", "Q=0.2", *others)
    for separator in (",", " ", ", "):
        assert of_file == tiny("--dose", f"A=0.4{separator}Q=0.2", *others), separator
    assert of_file == tiny("--dose", "A=0.2,Q=0.1", "--dose-multiplier", "2", *others)
    without_q = tiny("--dose", "A=0.4", *others)
    assert of_file != without_q
    assert tiny("--dose-profile", str(path), "--dose", "Q=0") == without_q
    assert tiny("--dose", "Q=0", "--dose-profile", str(path)) == without_q
    assert tiny("--dose-profile", str(path), "--dose-multiplier", "0", "--temp", "0") == tiny("--temp", "0")


def test_files_of_the_older_form_are_read(tiny: Tiny, tmp_path: Path) -> None:
    shape, rest = {"A": {"points": RAMP, "mode": "ceil"}}, {"noise": "reference", "seed": 3}
    (tmp_path / "new.json").write_text(json.dumps({"A": 0.2, "Q": 0.1, "shape": shape, "multiplier": 2.0, **rest}))
    old = {"dose_theta": {"A": 0.2, "Q": 0.1}, "dose_shape": shape, "dose_multiplier": 2.0, **rest}
    (tmp_path / "old.json").write_text(json.dumps(old))
    written = tiny("--dose-profile", str(tmp_path / "new.json"))
    assert written == tiny("--dose-profile", str(tmp_path / "old.json"))
    assert written != tiny("--temp", "0")


def test_environment_variables_say_the_same(tiny: Tiny) -> None:
    shape = "A=floor:0:0,1:1,Q=interpolate:0:1"
    written = tiny("--dose", "A=0.4,Q=0.1", "--dose-shape", shape, "--dose-multiplier", "3", "--dose-seed", "3")
    environment = {
        "LLAMA_ARG_DOSE": "A=0.4,Q=0.1",
        "LLAMA_ARG_DOSE_SHAPE": shape,
        "LLAMA_ARG_DOSE_MULTIPLIER": "3",
        "LLAMA_ARG_DOSE_SEED": "3",
    }
    assert tiny(environment=environment) == written
    assert tiny("--dose-seed", "4", environment=environment) != written
    assert tiny("--dose-multiplier", "1", environment=environment) != written


@pytest.mark.parametrize("sober_interval", [420, 8])
def test_it_writes_what_python_writes(tiny_model_path: str, tmp_path: Path, sober_interval: int) -> None:
    """In float32, in which a different split into batches makes no difference."""
    drugs = DRUGS(A=0.5, Q=0.3, K=0.5, H=0.2, shape={"A": (RAMP, "interpolate")}, seed=5)
    drugs.save(tmp_path / "doses.json")
    llm = drugs_cpp.Llama(tiny_model_path, n_ctx=256, verbose=False, drugs=drugs)
    llm.sober_interval = sober_interval
    answer: Any = llm.create_completion(PROMPT, max_tokens=48, temperature=0)
    expected = answer["choices"][0]["text"]
    llm.close()
    options = ("-m", tiny_model_path, "-fa", "off", "--sober-interval", str(sober_interval), "-n", "48", "-c", "256")
    written = complete("--dose-profile", str(tmp_path / "doses.json"), *options)
    assert written.removesuffix("\n\n") == expected


def test_it_reads_a_long_prompt_under_a_dose_as_python_does(tiny_model_path: str) -> None:
    """In several batches, with a shower due afterwards."""
    prompt = "a long beginning " * 6
    drugs = DRUGS(A=0.5, seed=5)
    llm = drugs_cpp.Llama(tiny_model_path, n_ctx=256, verbose=False, drugs=drugs, dose_inputs=True)
    llm.sober_interval = 20
    answer: Any = llm.create_completion(prompt, max_tokens=48, temperature=0)
    llm.close()
    options = ("-m", tiny_model_path, "-fa", "off", "-c", "256", "-b", "32", "--dose-inputs", "--sober-interval", "20")
    written = complete("-p", prompt, "--dose", "A=0.5", "--dose-seed", "5", *options, n=48)
    assert written.removesuffix("\n\n") == answer["choices"][0]["text"]


def test_the_prompt_is_dosed_on_request(tiny_model_path: str) -> None:
    options = ("-m", tiny_model_path, "-c", "256", "--dose", "A=1", "--dose-seed", "1")
    sober_prompt = complete(*options, n=1)
    assert sober_prompt == complete("-m", tiny_model_path, "-c", "256", "--temp", "0", n=1)
    seeds = [str(seed) for seed in range(8)]
    assert len({complete(*options[:-1], seed, "--dose-inputs", n=1) for seed in seeds}) > 1
    assert {complete(*options[:-1], seed, n=1) for seed in seeds} == {sober_prompt}


def test_the_sink_stays_sober(tiny_model_path: str) -> None:
    sober = complete("-m", tiny_model_path, "-c", "256", "--temp", "0")
    options = ("-m", tiny_model_path, "-c", "256", "--dose", "A=1", "--dose-seed", "1")
    assert complete(*options, "--dose-sink", "200") == sober
    assert complete(*options, "--dose-sink", "20") != sober


def test_a_dose_decodes_greedily_unless_an_option_sets_a_sampler(tiny: Tiny) -> None:
    dose = ("--dose", "A=0.2", "--dose-seed", "5")
    assert tiny(*dose, "--seed", "1") == tiny(*dose, "--seed", "2")
    hot = ("--temp", "1.5", "--top-p", "1", "--min-p", "0", "--top-k", "0")
    assert tiny(*dose, *hot, "--seed", "1") != tiny(*dose, *hot, "--seed", "2")


def test_a_dosed_text_does_not_depend_on_how_it_is_computed(tmp_path: Path) -> None:
    path = str(write_quantized_model(tmp_path, "Q4_K"))
    dose = ("-m", path, "-p", PROMPT * 5, "--dose", "A=0.4,V=0.5", "--dose-seed", "3", "--sober-interval", "20")
    written = complete(*dose, n=60)
    for options in (("-b", "7", "-t", "2"), ("-ub", "5", "-t", "1"), ("-t", "2")):
        assert complete(*dose, *options, n=60) == written, options
    sober = [("-m", path, "-p", PROMPT * 5, "--temp", "0", "--repeatable", "-b", n_batch) for n_batch in ("7", "512")]
    assert complete(*sober[0], n=60) == complete(*sober[1], n=60)


def test_the_doses_in_the_log_say_whether_they_are_repeatable(tiny_model_path: str) -> None:
    options = ("-m", tiny_model_path, "-p", PROMPT, "-n", "2", "-no-cnv", "--dose", "A=0.4")
    assert '"repeatable":true}' in run_drugs("completion", *options).stderr
    for off in (("--no-repeatable",), ()):
        environment = {} if off else {"LLAMA_ARG_REPEATABLE": "0"}
        assert '"repeatable":false}' in run_drugs("completion", *options, *off, **environment).stderr


#
# measuring
#


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(FROZEN_TEXTS), encoding="utf-8")
    return str(path)


@pytest.fixture
def short_model(short_model_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few layers of the default model, where only differences count."""
    monkeypatch.setenv("LLAMA_ARG_MODEL", short_model_path)


def perplexity(text: str, *arguments: str) -> str:
    done = run_drugs("perplexity", "-f", text, "-c", "128", "--chunks", "2", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def perplexity_of(text: str, *arguments: str) -> str:
    return re.search(r"PPL = .*", perplexity(text, *arguments)).group(0)  # type: ignore[union-attr]


def final(output: str) -> float:
    return float(re.search(r"PPL = ([\d.]+)", output).group(1))  # type: ignore[union-attr]


def test_perplexity_shows_what_a_dose_costs(text: str) -> None:
    sober = final(perplexity(text))
    assert final(perplexity(text, "--dose", "A=0")) == sober
    assert final(perplexity(text, "--dose", "A=0.1", "--dose-seed", "1")) < 1.5 * sober
    assert final(perplexity(text, "--dose", "A=1", "--dose-seed", "1")) > 1.5 * sober


@pytest.mark.usefixtures("short_model")
def test_a_course_counts_from_the_first_position_after_the_sink(text: str) -> None:
    """Position 126 predicts the last of 128 tokens: number 120 after a sink of 6, and 118 after a sink of 8."""
    dose = ("--dose", "A=1", "--dose-seed", "1")
    sober, dosed = final(perplexity(text, "--repeatable")), final(perplexity(text, *dose))
    assert final(perplexity(text, *dose, "--dose-course", "interpolate:120:0,121:1")) == sober
    late = final(perplexity(text, *dose, "--dose-course", "interpolate:119:0,120:1"))
    assert late != sober
    assert abs(late - sober) < abs(dosed - sober)
    assert final(perplexity(text, *dose, "--dose-course", "interpolate:119:0,120:1", "--dose-sink", "8")) == sober


@pytest.mark.usefixtures("short_model")
def test_the_divergence_from_sober_grows_with_the_dose(text: str, tmp_path: Path) -> None:
    base = str(tmp_path / "logits.dat")
    said = perplexity(text, "--kl-divergence-base", base)
    assert f"{base} will have {math.ceil(Path(base).stat().st_size / 1e6)} MB\n" in said

    def divergence(dose: str) -> float:
        shown = perplexity(text, "--kl-divergence-base", base, "--kl-divergence", "--dose", dose, "--dose-seed", "1")
        return float(re.search(r"Mean +KLD: +(-?[\d.]+)", shown).group(1))  # type: ignore[union-attr]

    sober, weak, strong = divergence("A=0"), divergence("A=0.1"), divergence("A=0.5")
    assert abs(sober) < 1e-3  # the file stores 16 bits per logit
    assert sober < weak < strong


def test_the_benchmarks_run_dosed() -> None:
    done = run_drugs("bench", "-p", "8", "-n", "8", "-r", "1", "--dose", "A=0.1", "--dose-seed", "3", "-o", "json")
    assert [row["n_gen"] for row in json.loads(done.stdout)] == [0, 8]
    assert 'doses: {"A":0.1,"seed":3,' in done.stderr
    done = run_drugs("batched-bench", "-npp", "8", "-ntg", "8", "-npl", "2", "-c", "256", "--dose", "A=0.1")
    assert done.returncode == 0
    assert 'doses: {"A":0.1,"seed":' in done.stderr


@pytest.mark.parametrize("command", [("bench",), ("batched-bench", "-npl", "2", "-c", "256")])
def test_the_benchmarks_run_repeatably_on_request(command: tuple[str, ...]) -> None:
    sizes = ("-p", "8", "-n", "8", "-r", "1") if command == ("bench",) else ("-npp", "8", "-ntg", "8")
    sober = run_drugs(*command, *sizes, "--repeatable")
    assert (sober.returncode, 'doses: {"repeatable":true}' in sober.stderr) == (0, True)
    dosed = run_drugs(*command, *sizes, "--dose", "A=0.1", "--no-repeatable")
    assert (dosed.returncode, '"repeatable":false}' in dosed.stderr) == (0, True)
    assert "doses:" not in run_drugs(*command, *sizes).stderr


@pytest.mark.usefixtures("short_model")
def test_perplexity_is_the_same_for_every_batch(text: str) -> None:
    assert perplexity_of(text, "--repeatable", "-b", "128") == perplexity_of(
        text, "--repeatable", "-b", "128", "-ub", "7"
    )
