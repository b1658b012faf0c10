"""``drugs-lab sweep``: options, TOML files, its output, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PressCtrlC
from drugs_cpp import DrugsError, OptionError, PromptError
from drugs_cpp.doses.profile import DoseProfile
from drugs_cpp.study import Prompt, open_sweep
from drugs_cpp.study.setting import SAMPLER, SOBER
from drugs_cpp.study.sweep_file import named, read_sweep_file, seeds_of
from drugs_cpp.tools.lab import main
from drugs_cpp.tools.time_left import duration
from support.killed_sweep import n_texts
from support.sweep_rows import sweep_rows

SMALL = ["--raw", "-p", "The sea is", "--sites", "A,K", "--doses", "0.4", "--seeds", "1-2", "-n", "6", "-t", "1"]

FILE = """
models = ["short.gguf"]
output = "out.db"
sites = ["A", "K"]
doses = [0.4]
seeds = "1-2"
max_tokens = 6
samplers = [{ temperature = 1.5, top_k = 20 }]
profiles = ["all", { name = "end", points = [[0.5, 0], [1, 1]], mode = "floor" }]

[[prompts]]
name = "sea"
text = "The sea is"
raw = true

[[prompts]]
system = "Be brief."
text = "Who are you?"

[[prompts]]
name = "talk"
messages = [
    { role = "user", content = "Hi" }, { role = "assistant", content = "Hello" }, { role = "user", content = "?" }
]
"""


@pytest.fixture
def folder(short_model_path: str, tmp_path: Path) -> Path:
    """A folder with a TOML file and its model."""
    (tmp_path / "short.gguf").symlink_to(short_model_path)
    (tmp_path / "sweep.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_what_it_prints(short_model_path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "r.db"
    command = ["sweep", "-m", short_model_path, *SMALL, "-o", str(store)]
    assert main([*command, "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "1 model, 1 prompt, 3 settings, 2 seeds: 3 cells, 5 texts"
    assert said[1].startswith("short: 5 texts are missing, 30 tokens at most, ")
    assert said[2].startswith("about ")
    assert not store.exists()
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{store} (0.1 MB): 5 of 5 texts were computed",
        f"`drugs-lab explore {store}` shows them",
    ]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(f"{store} (0.1 MB): all 5 texts already existed\n")
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["short: no texts are missing", "about 0 s at most"]


def test_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(folder / "sweep.toml"), "-t", "1"]) == 0
    assert f"{folder / 'out.db'}" in capsys.readouterr().out
    with open_sweep(folder / "out.db") as results:
        prompts, settings = set(results.prompts().values()), results.settings().values()
        assert prompts == {
            Prompt("sea", text="The sea is"),
            Prompt("Who are you?", (("system", "Be brief."), ("user", "Who are you?"))),
            Prompt("talk", (("user", "Hi"), ("assistant", "Hello"), ("user", "?"))),
        }
        found = {(s.site, s.profile, s.shape, s.mode, s.sampler) for s in settings}
        assert found == {
            (SOBER, "all", None, "interpolate", ()),
            (SAMPLER, "all", None, "interpolate", (("temperature", 1.5), ("top_k", 20))),
            *((site, "all", None, "interpolate", ()) for site in "AK"),
            *((site, "end", ((0.5, 0.0), (1.0, 1.0)), "floor", ()) for site in "AK"),
        }
        assert {setting.max_tokens for setting in settings} == {6}


def test_options_take_precedence(folder: Path) -> None:
    options = ["--sites", "Q", "-p", "Hello", "--profiles", "early", "--noise", "reference", "--dose-inputs", "all"]
    assert main(["sweep", str(folder / "sweep.toml"), *options, "--sink", "2", "-o", str(folder / "other.db")]) == 0
    assert not (folder / "out.db").exists()
    with open_sweep(folder / "other.db") as results:
        assert set(results.prompts().values()) == {Prompt("Hello", (("user", "Hello"),))}
        (dosed,) = (setting for setting in results.settings().values() if setting.is_dosed)
        assert (dosed.site, dosed.dose, dosed.profile, dosed.noise) == ("Q", 0.4, "early", "reference")
        assert (dosed.dose_inputs, dosed.sink) == (True, 2)


def test_ctrl_c_keeps_what_was_written(
    short_model_path: str, tmp_path: Path, press_ctrl_c: PressCtrlC, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "r.db"
    command = ["sweep", "-m", short_model_path, *SMALL, "--parallel", "2", "-o", str(store), "--seeds"]
    press_ctrl_c(lambda: n_texts(str(store)), 6)
    assert main([*command, "1-2000"]) == 130
    assert f"What was written is in {store}; the same command continues from there." in capsys.readouterr().err
    assert 6 <= n_texts(str(store)) < 2000
    assert main([*command, "1-2"]) == 0
    assert len(sweep_rows(store)) >= 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no prompt"),
        (["--sites", "X"], "'X'"),
        (["-p", "hi", "--sites", ""], "the sweep is empty"),
        (["-p", "hi", "--doses", ""], "doses is empty"),
        (["-p", "hi", "--doses", "-1"], "a dose is -1"),
        (["-p", "hi", "-o", "x/r.db"], "no folder x"),
        (["-p", "hi", "-o", "r.csv"], "drugs-lab export results.db --output r.csv"),
        (["-p", "hi", "--sampler", "heat=1"], "'heat'"),
        (["-p", "hi", "--sampler", "temperature"], "NAME=NUMBER"),
        (["-p", "hi", "--sampler", "min_p=0.1"], "draws nothing"),
        (["-p", "hi", "--seeds", "one"], "'one'"),
        (["-p", "hi", "--seeds", "1-999999999"], "1-999999999"),
        (["-p", "hi", "--profiles", "wide"], "'wide'"),
        (["-p", "hi", "--raw", "--system", "x"], "--raw"),
        (["--system", "x"], "--system"),
        (["-p", "hi", "-m", "none.gguf"], "none.gguf"),
        (["none.toml"], "none.toml: no such file"),
    ],
)
def test_mistakes(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["sweep", *options])
    except SystemExit as error:
        status = int(str(error.code))
    said = capsys.readouterr()
    assert status == 2
    assert said.err.startswith("drugs-lab: error: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("sites = [", OptionError, "TOML"),
        ("site = ['A']", OptionError, "did you mean 'sites'"),
        ("sites = 'A'", OptionError, "in brackets"),
        ("prompts = [1]", PromptError, "1 is not a prompt"),
        ("prompts = ['']", PromptError, "no text"),
        ("prompts = [{ messages = ['x'] }]", PromptError, "'x' is not a message"),
        ("profiles = ['wide']", OptionError, "'wide'"),
        ("profiles = [{ name = 'x' }]", OptionError, "not a profile"),
        ("profiles = [{ name = 'x', points = [1] }]", OptionError, "not points"),
        ("seeds = 1.5", OptionError, "1.5"),
    ],
)
def test_files_that_cannot_be(text: str, error: type[DrugsError], words: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=rf"^{tmp_path}/x\.toml: |cannot be read as TOML") as raised:
        read_sweep_file(tmp_path / "x.toml")
    assert words in str(raised.value)


def test_seeds_and_names() -> None:
    assert seeds_of("1-3, 9 4") == [1, 2, 3, 9, 4]
    assert seeds_of([5, 6]) == [5, 6]
    assert seeds_of(7) == [7]
    long = "word " * 20
    names = [prompt.name for prompt in named([Prompt("", text=long + "a"), Prompt("", text=long + "b"), Prompt("x")])]
    assert names[0].endswith("…")
    assert len(names[0]) <= 40
    assert names[1:] == [f"{names[0]} (2)", "x"]
    assert [duration(seconds) for seconds in (0, 59.6, 3599, 7260, 36000000)] == [
        "0 s",
        "1 min 0 s",
        "59 min 59 s",
        "2 h 1 min",
        "10,000 h 0 min",
    ]


def test_a_profile_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("profiles = [{ name = 'x', points = [[0, 1], [1, 0]] }]", encoding="utf-8")
    points = [{"depth": 0, "peakratio": 1}, {"depth": 1, "peakratio": 0}]
    assert read_sweep_file(tmp_path / "x.toml") == {"profiles": {"x": DoseProfile(points)}}


def test_none_of_it_needs_an_extra_package(short_model_path: str, tmp_path: Path) -> None:
    """Sweep, CSV, Markdown and explorer work without the packages of the extras."""
    extras = [
        "matplotlib",
        "plotly",
        "pyarrow",
        "sacrebleu",
        "safetensors",
        "msgpack",
        "imageio_ffmpeg",
        "ray",
        "pandas",
    ]
    sweep = ["sweep", "-m", short_model_path, *SMALL, "-o", "r.db"]
    commands = [
        sweep,
        ["export", "r.db", "-o", "r.csv"],
        ["export", "r.db", "-o", "samples/"],
        ["import-samples", "samples", "-o", "again.db"],
        ["merge", "r.db", "again.db", "-o", "all.db"],
        ["explore", "all.db", "--export", "site"],
    ]
    code = f"import sys; sys.modules.update(dict.fromkeys({extras})); from drugs_cpp.tools.lab import main\n"
    code += f"for command in {commands}: assert main(command) == 0, command\n"
    code += "assert main(['export', 'r.db', '-o', 'r.parquet']) == 2"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert 'pyarrow is not installed: pip install "drugs_cpp[lab]" installs it' in ran.stderr
    assert "5 texts, 0 of them new" in ran.stdout  # exporting and importing gives the same texts
