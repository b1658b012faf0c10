"""`drugs chat`: its commands for doses."""

from __future__ import annotations

import re
import subprocess

import pytest

import drugs_cpp
from support.patience import PATIENCE
from support.program import DRUGS, run_drugs


@pytest.fixture(autouse=True)
def short_model(short_model_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a chat answers is of no interest here: a few layers of the default model answer sooner."""
    monkeypatch.setenv("LLAMA_ARG_MODEL", short_model_path)


@pytest.fixture
def whole_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model, for tests of what is said about it."""
    monkeypatch.delenv("LLAMA_ARG_MODEL")


def chat(*lines: str, arguments: tuple[str, ...] = ()) -> str:
    done = run_drugs("chat", "-n", "16", "-c", "1024", *arguments, stdin="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(shown: str, question: str) -> list[str]:
    """The texts between a line that makes the model speak and the line of timings."""
    return re.findall(rf"{re.escape(question)}\n(.*?)\n\n\[ Prompt", shown, flags=re.DOTALL)


def test_commands_in_the_chat_act_at_once() -> None:
    seeds = range(6, 16)  # some of them write the same text as seed 5
    others = [line for seed in seeds for line in (f"/seed {seed}", "/regen")]
    shown = chat("/dose A=0.5", "/seed 5", "Name a colour.", "/regen", *others, "/seed", "/dose off", "/regen")
    assert "Doses: A=0.5" in shown
    assert "Seed: 5" in shown
    first, again, *of_seeds, _ = answers(shown, "Name a colour.") + answers(shown, "/regen")
    assert len(of_seeds) == len(seeds)
    assert first == again
    assert set(of_seeds) != {first}
    assert shown.count("| Seed: 5 ]") == 2
    assert shown.count("| Seed: 6 ]") == 1
    assert "The last answer had seed 15." in shown
    assert "Sober." in shown


@pytest.mark.parametrize("doses", ["A=0.5 H=0.1", "A=0.5,H=0.1", "A=0.5, H=0.1", "H=0.1  A=0.5"])
def test_a_command_sets_several_doses(doses: str) -> None:
    shown = chat(f"/dose {doses}", "/dose off", "/dose H=0.1, A=0.5")
    assert shown.count("Doses: H=0.1, A=0.5") == 2


def test_the_chat_begins_with_the_doses_of_the_command_line() -> None:
    shown = chat("/dose", "Name a colour.", "/shower", arguments=("--dose", "A=0.5", "--dose-seed", "7"))
    assert "Doses: A=0.5" in shown
    assert "| Seed: 7 ]" in shown
    assert "The cache is sober." in shown or "tokens again, sober." in shown


@pytest.mark.usefixtures("whole_model")
def test_the_angles_of_an_effect_are_said_after_an_answer() -> None:
    shown = chat("/dose medium", "/seed 7", "Name a colour.", "/dose A=0.5", "/regen")
    assert re.search(r"\| A=0\.3\d* \(table\) \| Seed: 7 \]", shown)
    assert shown.count("(table)") == 1


@pytest.mark.usefixtures("whole_model")
def test_the_banner_says_model_dose_and_seed() -> None:
    sober = chat("/exit")
    assert f"drugs_cpp {drugs_cpp.__version__} (llama.cpp " in sober
    assert re.search(r"^model  SmolLM2-135M-Instruct, Q4_1$", sober, flags=re.MULTILINE)
    assert re.search(r"^dose   none: /dose mild turns one on$", sober, flags=re.MULTILINE)
    assert re.search(r"^seed   a new one for each answer$", sober, flags=re.MULTILINE)
    assert "/regen" not in sober  # /help has the commands
    dosed = chat("/exit", arguments=("--dose", "A=0.5", "--dose-seed", "7"))
    assert re.search(r"^dose   A=0.5$", dosed, flags=re.MULTILINE)
    assert re.search(r"^seed   7$", dosed, flags=re.MULTILINE)


def test_help_lists_every_command() -> None:
    shown = chat("/help")
    for command in ("/exit", "/regen", "/clear", "/read", "/glob", "/help", "/dose", "/seed", "/variations", "/shower"):
        assert re.search(rf"^  {command}\b", shown, flags=re.MULTILINE), command


def test_what_is_not_a_command_is_not_sent() -> None:
    shown = chat("/hlep", "/variation 4", " /hlep", "/etc/hosts is what?", "/notes.txt is what?")
    assert "unknown command /hlep: /help lists the commands" in shown
    assert "unknown command /variation: " in shown
    assert shown.count("[ Prompt") == 3  # what begins with a space is text, and so is a path


def test_variations_are_other_answers_to_the_last_message() -> None:
    shown = chat(
        "Name a colour.", "/dose A=0.7", "/seed 5", "/variations 3", "/variations 3", "/seed 7", "/variations 1"
    )
    found = re.findall(r"(?:^|\x08)(\d), seed (\d+)\n(.+?)\n\n", shown, flags=re.MULTILINE | re.DOTALL)
    assert [(number, seed) for number, seed, _ in found] == [*zip("123", "567"), *zip("123", "567"), ("1", "7")]
    texts = [text for _, _, text in found]
    assert texts[:3] == texts[3:6]
    assert texts[6] == texts[2]  # the seed makes the text, whatever is beside it


def test_variations_do_not_replace_the_last_answer() -> None:
    shown = chat("/dose A=0.5", "/seed 5", "Name a colour.", "/seed 7", "/variations 1", "/seed")
    assert "The last answer had seed 5." in shown


def test_variations_without_a_dose_follow_the_sampler() -> None:
    shown = chat("Name a colour.", "/variations 2", arguments=("--temp", "1"))
    assert len(re.findall(r"(?:^|\x08)[12]$", shown, flags=re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/variations", "there is no message yet"),
        ("/variations 0", "the number of variations is 0: give a whole number, 1 to 32"),
        ("/variations 33", "is 33"),
        ("/variations 1.5", "is 1.5"),
        ("/variations x", "'x'"),
    ],
)
def test_variations_that_cannot_be_had(command: str, message: str) -> None:
    assert message in chat(command)


def test_a_mistake_in_the_chat_changes_nothing() -> None:
    shown = chat("/dose A=0.5", "/dose A=x", "/dose Z=1", "/dose A=-1", "/seed 1.5", "/dose")
    assert "'x': give a number" in shown
    assert "unknown site 'Z'" in shown
    assert "is -1: give a finite number, zero or more" in shown
    assert "the dose seed is 1.5" in shown
    assert shown.count("Doses: A=0.5") == 2


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_no_input_is_lost_after_a_character_that_the_locale_does_not_know(locale: str) -> None:
    lines = ("Grüße 🌊", "/seed 11", "/seed 12", "/exit")
    done = run_drugs("chat", "-n", "4", "-c", "256", stdin="\n".join(lines) + "\n", LC_ALL=locale)
    assert done.returncode == 0, done.stderr
    assert "Seed: 11" in done.stdout
    assert "Seed: 12" in done.stdout


def test_no_input_is_lost_after_bytes_that_are_not_text() -> None:
    lines = b"a \xff\xc3( \xe2\x82 \xf0\x9f\x8c\n/seed 11\n/exit\n"
    done = subprocess.run(
        [DRUGS, "chat", "-n", "4", "-c", "256"], input=lines, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Seed: 11" in done.stdout


def test_angles_of_a_command() -> None:
    shown = chat("/dose A=3.2", "/dose A=0.5", "/dose A=1.5", "/dose")
    assert "the dose at A reaches 3.2 radians: pi, a half turn, is the most" in shown
    assert "Doses: A=0.5\n" in shown
    assert "Warning: the dose at A reaches 1.5 radians: above 1 most models write nonsense." in shown
