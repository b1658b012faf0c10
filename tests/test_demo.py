from __future__ import annotations

import difflib
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import demo_picture
from drugs_cpp.errors import DoseError
from drugs_cpp.tools.command_line import main
from drugs_cpp.tools.demo import DEFAULT_DOSES, DemoSettings
from drugs_cpp.tools.highlight import mark_words
from support.patience import PATIENCE
from support.process import run_python

COMMAND = [sys.executable, "-m", "drugs_cpp", "demo", "-t", "1"]

SOBER = "the old lighthouse stood on the cliff above the sea"

MARK = "\x1b[1;33m"

#: at least one of them gives a text that differs from the sober one, whatever the processor
SEEDS = (1, 2, 3, 4)


def marked(text: str, other: str | None = SOBER) -> list[str]:
    return [word.text for word in mark_words([text], other) if word.differs]


#
# words that differ
#


def test_the_same_text_has_no_marks() -> None:
    assert marked(SOBER) == []


def test_nothing_to_compare_with_means_no_marks() -> None:
    assert marked(SOBER, None) == []


def test_words_that_differ_are_marked() -> None:
    assert marked("the old tower stood on the cliff above the quiet sea") == ["tower", "quiet"]


def test_words_are_marked_as_difflib_aligns_them_so_far() -> None:
    words = ["a", "sea", "of", "light", "stood", "on", "the", "old", "cliff"]
    for count in range(1, len(words) + 1):
        matcher = difflib.SequenceMatcher(None, words[:count], SOBER.split(), autojunk=False)
        partners = {block.a + i for block in matcher.get_matching_blocks() for i in range(block.size)}
        last = list(mark_words([" ".join(words[:count])], SOBER))[-1]
        assert last.differs == (count - 1 not in partners)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_words_do_not_depend_on_how_the_text_is_cut(size: int) -> None:
    text = "  one two\n\nthree\tfour\nfive "
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    words = list(mark_words(pieces, "one three"))
    assert [word.text for word in words] == ["one", "two", "three", "four", "five"]
    assert [word.differs for word in words] == [False, True, False, True, True]
    assert [word.line_breaks for word in words] == [0, 0, 2, 0, 1]


def test_words_come_as_soon_as_they_are_complete() -> None:
    taken: list[str] = []

    def pieces() -> Iterable[str]:
        for piece in ("on", "e tw", "o three"):
            taken.append(piece)
            yield piece

    words = mark_words(pieces(), None)
    assert next(iter(words)).text == "one"
    assert taken == ["on", "e tw"]


def test_a_model_cannot_write_escape_codes() -> None:
    assert "\x1b" not in "".join(word.text for word in mark_words(["a\x1b[2Jb \x07 c"], None))


#
# what is run
#


def test_a_dose_of_the_users_own_runs_for_every_seed() -> None:
    plan = DemoSettings(doses={"A": 0.2, "pV": 0.1}, seeds=(5, 6)).plan()
    assert [drugs.seed for drugs in plan] == [5, 6]
    assert all(drugs.get_dose_theta("A") == 0.2 and drugs.get_dose_theta("pV") == 0.1 for drugs in plan)
    assert len({drugs.seed for drugs in DemoSettings(doses={"A": 0.2}).plan()}) == 3


def test_the_default_doses_show_several_sites_and_seeds() -> None:
    plan = DemoSettings().plan()
    assert len(plan) == 2 * len(DEFAULT_DOSES) == len({(repr(drugs)) for drugs in plan})
    assert not any(drugs.is_sober for drugs in plan)
    assert len(DemoSettings(seeds=(9,)).plan()) == len(DEFAULT_DOSES)


def test_a_plan_refuses_what_is_no_dose() -> None:
    with pytest.raises(DoseError):
        DemoSettings(doses={"B": 0.1}).plan()


def test_commands_of_the_program_are_not_commands_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "--dose", "A=0.3"]) == 2
    assert "chat is a command of the program drugs: run `drugs chat --dose A=0.3`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dose", "a=0.1"], "did you mean 'A'"),
        (["--dose", "B=0.1"], "H, Q, K, V, A, pK, pV"),
        (["--dose", "A"], "SITE=ANGLE"),
        (["--dose", "A=much"], "radians"),
        (["--dose", "A=nan"], "nan"),
        (["--dose", "A=-1"], "-1"),
        (["--dose", "A=inf"], "inf"),
        (["--seed", "-2"], "'-2'"),
        (["--seed", "4294967296"], "4294967296"),
        (["--dose", "A=3.2"], "pi"),
        (["--seed", "x"], "'x'"),
        (["-n", "0"], "'0'"),
        (["-n", "many"], "'many'"),
        (["-t", "0"], "'0'"),
        (["-m", "none.gguf"], "none.gguf"),
        (["-m", "."], "folder"),
        (["-p", "word " * 20000], "tokens"),
        (["-p", "\udcff"], "UTF-8"),
        (["-p", " "], "prompt is empty"),
        (["--does", "A=1"], "--does"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["demo", *arguments])
    except SystemExit as ending:
        status = int(ending.code or 0)
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.startswith("drugs_cpp: error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err


#
# the real thing
#


def run_demo(*arguments: str, **environment: str) -> str:
    result = subprocess.run(
        [*COMMAND, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def run_on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run the demo with stdin, stdout and stderr on one terminal, and return everything it writes."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **environment}
    )
    os.close(theirs)
    written = b""
    try:
        while True:
            written += os.read(ours, 65536)
    except OSError:  # the other end was closed
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0, written
    return written.decode()


def texts(output: str) -> dict[str, str]:
    """Heading -> the text below it, on one line."""
    parts = re.split(r"^(\S.*)\n", output, flags=re.MULTILINE)[1:]
    return {heading: " ".join(body.split()) for heading, body in zip(parts[::2], parts[1::2])}


@pytest.fixture(scope="module")
def output(model_path: str) -> str:
    seeds = [word for seed in (*SEEDS, SEEDS[0]) for word in ("--seed", str(seed))]
    return run_demo("-m", model_path, "--dose", "A=1", *seeds, "-n", "12")


def test_a_demo(output: str) -> None:
    found = texts(output)
    headings = ["1/6 sober", *(f"{i}/6 A=1, seed {seed}" for i, seed in enumerate((*SEEDS, SEEDS[0]), 2))]
    sober, *dosed = (found[heading] for heading in headings)
    assert re.search(r"[\d.]+ tokens/s$", sober)
    notes = r"[\d.]+ tokens/s$|too short to measure its speed$"
    assert all(re.search(notes, text) for text in dosed)
    sober, first, *others, again = (re.sub(notes, "", text) for text in (sober, *dosed))
    assert sober
    assert len({sober, first, *others}) > 2
    assert again == first  # the same seed, the same text
    assert {text[0] for text in (first, *others)} == {sober[0]}  # the prompt is sober, so the first token is, too


def test_the_line_for_python_makes_the_same_doses(output: str) -> None:
    assert "DRUGS(A=1.0, seed=1)" in texts(output)["The same from Python"]


def test_no_escape_codes_in_a_file(output: str) -> None:
    assert "\x1b" not in output
    assert "\r" not in output


def test_a_terminal_gets_colour_and_progress(model_path: str) -> None:
    seeds = [word for seed in SEEDS for word in ("--seed", str(seed))]
    written = run_on_a_terminal("-m", model_path, "--dose", "A=1", *seeds, "-n", "12", NO_COLOR="")
    assert MARK in written
    assert f"loading {Path(model_path).name}" in written
    sober = written[written.index("1/5 sober\x1b") : written.index("2/5 A=1, seed 1\x1b")]
    assert MARK not in sober


def test_no_color(model_path: str) -> None:
    written = run_on_a_terminal("-m", model_path, "--dose", "A=1", "--seed", "1", "-n", "12", NO_COLOR="1")
    assert "\x1b[0m" not in written
    assert MARK not in written


def test_raw_and_chat_prompts_differ(model_path: str) -> None:
    arguments = ("-m", model_path, "-p", "The sea is", "--dose", "A=0.1", "--seed", "1", "-n", "8")
    chat, raw = texts(run_demo(*arguments)), texts(run_demo(*arguments, "--raw"))
    assert chat["1/2 sober"].split()[:4] != raw["1/2 sober"].split()[:4]
    assert "create_chat_completion" in chat["The same from Python"]
    assert "create_completion" in raw["The same from Python"]


def test_an_interrupt_is_one_line_and_status_130(model_path: str) -> None:
    process = subprocess.Popen(
        [*COMMAND, "-m", model_path, "-n", "4000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a background process ignores Ctrl-C, and its children inherit this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert any("sober" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert complaint.strip() == "drugs_cpp: stopped"


def test_a_closed_pipe_is_no_error(model_path: str) -> None:
    command = shlex.join([*COMMAND, "-m", model_path, "-n", "100"])
    result = subprocess.run(["/bin/sh", "-c", f"{command} | head -n 2"], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert Path(model_path).name in result.stdout


def test_a_strong_dose_is_warned_of_and_a_seed_of_minus_one_is_fresh(model_path: str) -> None:
    ask = ["-m", "drugs_cpp", "demo", "-m", model_path, "-p", "The sea", "-n", "2", "--dose", "A=1.5"]
    done = run_python(*ask, "--seed", "-1", "--seed", "-1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "drugs_cpp: warning: a dose above 1 radian: most models write nonsense then\n"
    seeds = re.findall(r"A=1.5, seed (\d+)", done.stdout)
    assert len(set(seeds)) == 2


def test_the_picture_keeps_spaces_where_browsers_drop_them() -> None:
    shown = demo_picture.draw(["\x1b[1mtitle\x1b[0m", "  The \x1b[1;33mgrey sea\x1b[0m was "])
    pieces = re.findall(r'<text x="([\d.]+)" y="[\d.]+" textLength="([\d.]+)"[^>]*>([^<]*)</text>', shown)
    assert [piece for _, _, piece in pieces] == ["title", "The", "grey sea", "was"]
    columns = [(float(x) - demo_picture.MARGIN) / demo_picture.CHARACTER_WIDTH for x, _, _ in pieces]
    assert columns == pytest.approx([0, 2, 6, 15], abs=0.02)
    for _, length, piece in pieces:
        assert float(length) == pytest.approx(len(piece) * demo_picture.CHARACTER_WIDTH, abs=0.1)
