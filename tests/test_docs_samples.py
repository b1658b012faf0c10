"""What README and docs say that a command prints: scripts/text_samples.py prints all of it, and it is up to date."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

import demo_picture
import text_samples
from support.low_level import N_GPU_LAYERS
from support.process import run_python
from support.program import DRUGS
from text_samples import MARKER, PAGES, ROOT, Sample

SAMPLES = [sample for page in PAGES for sample in text_samples.samples(page)]

#: what tests/test_docs_numbers.py compares, with a tolerance
TEXTS = [sample for sample in SAMPLES if "perplexity" not in sample.text]

needs_programs = pytest.mark.skipif(not Path(DRUGS).exists(), reason="the programs were not built: make test")


def name_of(sample: Sample) -> str:
    first = sample.commands[-1].line.splitlines()[0] if sample.commands else "python"
    return f"{sample.page.name}: {first[:30]}"


def is_named(processor: str) -> bool:
    return text_samples.processor() == processor and N_GPU_LAYERS == 0


def consoles(text: str) -> list[str]:
    return re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_console_prints_has_its_marker_and_its_processor(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = text_samples.samples(page)
    assert text.count(MARKER) == len(found)  # each has a block and "Printed on ..."
    marked = [sample.text for sample in found]
    for block in consoles(text):
        printed = any(command.printed for command in Sample(page, "console", block, "").commands)
        assert not printed or block in marked


def test_there_are_samples() -> None:
    assert {sample.page.name for sample in SAMPLES} == {"program.md", "python.md", "server.md", "studying.md"}


@needs_programs
@pytest.mark.parametrize("sample", TEXTS, ids=name_of)
def test_a_sample_is_what_its_commands_print(sample: Sample) -> None:
    """On the processor that the page names. On any other, the commands print something for each sample."""
    if "$ llm " in sample.text and importlib.util.find_spec("llm") is None:
        pytest.skip("llm is not installed: make test, with Python 3.10 or newer")
    if "$ curl " in sample.text and not shutil.which("curl"):
        pytest.skip("curl is not installed: apt install curl")
    again = sample.again()
    if is_named(sample.processor):
        assert text_samples.same(again, sample.text), again
    else:
        now = Sample(sample.page, sample.language, again, "")
        assert again.strip()
        assert [bool(command.printed) for command in now.commands] == [bool(c.printed) for c in sample.commands]


def test_speeds_do_not_count() -> None:
    assert text_samples.same("[ Prompt: 9.1 t/s | Seed: 5 ]", "[ Prompt: 12 t/s | Seed: 5 ]")
    assert not text_samples.same("[ Prompt: 9.1 t/s | Seed: 5 ]", "[ Prompt: 9.1 t/s | Seed: 6 ]")


def test_commands_of_a_console() -> None:
    text = "$ one 'a\n  b' |\n  two\nout\n\n$ three \\\n  four\n$ five\nmore\n"
    commands = Sample(ROOT / "README.md", "console", text, "").commands
    assert [command.line for command in commands] == ["one 'a\n  b' |\n  two", "three \\\n  four", "five"]
    assert [command.printed for command in commands] == ["out", "", "more"]


def test_the_picture_of_the_demo_is_what_the_demo_prints() -> None:
    """On an AMD EPYC with AVX-512, as README says; on any other processor the same headings."""
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert "an AMD EPYC with AVX-512" in (ROOT / "README.md").read_text(encoding="utf-8")
    done = run_python("-m", "drugs_cpp", "demo", COLUMNS=str(demo_picture.COLUMNS))
    assert done.returncode == 0, done.stderr
    drawn = words_of(demo_picture.draw(done.stdout.splitlines()))
    shown = words_of(picture)
    if is_named("AMD EPYC with AVX-512"):
        assert drawn == shown
    assert [word for word in shown if re.fullmatch(r"\d/\d", word)] == [
        word for word in drawn if re.fullmatch(r"\d/\d", word)
    ]


def words_of(picture: str) -> list[str]:
    """The words in a picture, without speeds and the number of threads."""
    text = " ".join(re.findall(r"<text [^>]*>([^<]*)</text>", picture))
    return re.sub(r"[\d.]+ tokens/s|\d+ threads?", "", text).split()
