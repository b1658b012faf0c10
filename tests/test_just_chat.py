"""examples/just_chat.py: answers under a dose, a shower while the user types, and a clean exit."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import drugs_cpp
from conftest import MakeLlama
from support.patience import PATIENCE

PROGRAM = Path(__file__).parents[1] / "examples" / "just_chat.py"

ARGUMENTS = ["--seed", "3", "-n", "24", "-c", "512", "--dose", "A=0.3"]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(drugs_cpp.__file__).parents[1])}

END_OF_INPUT, CTRL_C = b"\x04", b"\x03"


def chat(said: str | bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with input from a pipe."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *(arguments or ARGUMENTS)],
        input=said.encode() if isinstance(said, str) else said,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_it_answers_and_showers(make_llama: MakeLlama, model_path: str) -> None:
    """Like a model that takes its showers at once."""
    questions = ["What is time?", "And space?"]
    done = chat("\n\n".join(questions))
    assert (done.returncode, done.stderr) == (0, "")
    answers = re.findall(r"you: ([^\n]*)\nAlan: (.*?)\n\(a cold shower: (\d+) tokens", done.stdout, re.DOTALL)

    llm: Any = make_llama(model_path, seed=3, n_ctx=512, drugs={"A": 0.3})
    system = re.search(r"WATTS = \((.*?)\n\)", PROGRAM.read_text(encoding="utf-8"), re.DOTALL)
    assert system is not None
    messages = [{"role": "system", "content": eval(system[1].strip().replace("\n", " "))}]
    for question, (asked, answered, n_tokens) in zip(questions, answers):
        messages.append({"role": "user", "content": question})
        text = llm.create_chat_completion(messages, max_tokens=24)["choices"][0]["message"]["content"]
        messages.append({"role": "assistant", "content": text})
        assert (asked, answered, int(n_tokens)) == (question, text, llm.cold_shower())
    assert len(answers) == 2


def test_a_long_conversation_is_forgotten_from_its_beginning(short_model_path: str) -> None:
    questions = [f"Tell me about number {i}." for i in range(5)]
    done = chat("\n".join(questions), "-m", short_model_path, "-n", "40", "-c", "250")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("(a cold shower: 39 tokens") == 5  # each answer has as much room as the first


def test_a_question_that_is_too_long_is_no_end(short_model_path: str) -> None:
    done = chat("hello " * 400 + "\nAnd you?", "-m", short_model_path, "-n", "8", "-c", "250")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shorten the prompt" in done.stdout
    assert done.stdout.count("a cold shower") == 1


def test_input_that_is_no_text(short_model_path: str) -> None:
    done = chat(b"hi \xff there\n", "-m", short_model_path, "-n", "4")
    assert (done.returncode, done.stderr) == (0, "")
    assert "you: hi \N{REPLACEMENT CHARACTER} there\nAlan: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dose", "X=3"], "unknown site 'X'"),
        (["--dose", ""], "holds no dose"),
        (["-m", "/no/such/file"], "no model file at /no/such/file"),
        (["--seed", "-5"], "seed"),
        (["-c", "-1"], "n_ctx is -1"),
    ],
)
def test_mistakes(arguments: list[str], says: str) -> None:
    done = chat("", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("just_chat: error: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


#: makes the terminal that it was given its controlling terminal, and becomes the program; a process in the
#: background would ignore Ctrl-C
IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """The program in a terminal, until the end of the ``with`` block."""

    def __init__(self, *arguments: str) -> None:
        self._keyboard, screen = pty.openpty()
        command = [sys.executable, "-c", IN_A_TERMINAL, sys.executable, str(PROGRAM), *arguments]
        self._process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, env=ENVIRONMENT, start_new_session=True
        )
        os.close(screen)
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keyboard)

    def wait_for(self, text: str) -> None:
        """Wait until it is shown once more than before."""
        begin = len(self.shown)
        while text not in self.shown[begin:]:
            assert self._read(), self.shown

    def wait_for_all(self, text: str, n: int) -> None:
        """Wait until it was shown this many times."""
        while self.shown.count(text) < n:
            assert self._read(), self.shown

    def press(self, keys: bytes) -> None:
        os.write(self._keyboard, keys)

    def end_by(self, key: bytes) -> int:
        """Exit status after a key: Python notices Ctrl-C only later if it comes just before a line is read."""
        time.sleep(0.3)  # so that it reads by then, most of the time
        while self._process.poll() is None:
            with contextlib.suppress(OSError):  # it has exited in the meantime
                self.press(key)
            while select.select([self._keyboard], [], [], 5)[0] and self._read():
                pass
        return self.end()

    def end(self) -> int:
        """Exit status of the program."""
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        """Read what is shown; return whether there was something before the program exited."""
        assert select.select([self._keyboard], [], [], PATIENCE)[0], self.shown
        try:
            more = os.read(self._keyboard, 4096)
        except OSError:  # what Linux reports when the other side is closed
            more = b""
        self.shown += more.decode("utf-8", errors="replace")
        return bool(more)


@pytest.mark.parametrize("key", [END_OF_INPUT, CTRL_C])
def test_a_key_ends_the_chat(key: bytes, short_model_path: str) -> None:
    with Terminal("-m", short_model_path, "-n", "8") as terminal:
        terminal.wait_for("you: ")
        terminal.press(b"What is time?\n")
        terminal.wait_for_all("you: ", 2)
        assert terminal.end_by(key) == 0
    assert "Traceback" not in terminal.shown
    assert terminal.shown.count("while you type)") == 1
    assert terminal.shown.count("you: ") == 2
    assert terminal.shown.count("What is time?") == 1  # the terminal echoes what is typed, and the program does not


def test_ctrl_c_breaks_an_answer_off_and_the_chat_goes_on(short_model_path: str) -> None:
    with Terminal("-m", short_model_path, "-n", "2000", "--seed", "3") as terminal:
        terminal.wait_for("you: ")
        terminal.press(b"Count from one to one thousand, and write each number on a line.\n")
        terminal.wait_for("Alan: ")
        terminal.wait_for(" ")
        terminal.press(CTRL_C)
        terminal.wait_for("you: ")
        terminal.press(b"Thank you.\n")
        terminal.wait_for("Alan: ")
        terminal.wait_for(" ")
        terminal.press(CTRL_C)
        terminal.wait_for("you: ")
        terminal.press(END_OF_INPUT)
        assert terminal.end() == 0
    assert "Traceback" not in terminal.shown
