"""Numbers in README and docs are those that their commands print, on any processor, or those of another page."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import text_samples
from support.program import DRUGS
from text_samples import ROOT

PAGE = ROOT / "docs" / "program.md"

#: A build for AVX2 alone and one for AVX-512, each with flash attention and without, differ by at most 0.9% in these
#: perplexities, by 2% in the KL and by 0.7 points in the share of equal tokens. A dose of 0.4 raises the perplexity
#: by 4%.
PPL_TOLERANCE, KL_TOLERANCE, SAME_TOLERANCE = 0.015, 0.1, 2.0

needs_programs = pytest.mark.skipif(not Path(DRUGS).exists(), reason="the programs were not built: make test")


def sample() -> text_samples.Sample:
    (found,) = (one for one in text_samples.samples(PAGE) if "perplexity" in one.text)
    return found


def loop() -> tuple[str, list[str], str]:
    """The loop of the page: its variable, what it takes, and the command in it."""
    found = re.fullmatch(r"for (\w+) in ([^;]+); do (.*); done", sample().commands[0].line, flags=re.DOTALL)
    assert found
    return found[1], found[2].split(), found[3]


def numbers(text: str, name: str) -> list[float]:
    return [float(number) for number in re.findall(rf"{name}\s*[=:]\s*([\d.]+)", text)]


def test_the_text_has_not_changed() -> None:
    text = (ROOT / "docs" / "data" / "northanger-abbey.txt").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "446654f4c4713ae9111141026107e205db1da8ebaace53d6ae08e9160a577d45"


def test_texts_say_where_they_come_from() -> None:
    about = (ROOT / "docs" / "data" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "data").glob("*.txt"):
        (row,) = (line for line in about.splitlines() if f"`{path.name}`" in line)
        assert "public domain" in row


def test_what_is_measured_on_a_text_is_measured_on_a_frozen_one() -> None:
    for page in text_samples.PAGES:
        for text in re.findall(r"perplexity\b.*? -f (\S+)", page.read_text(encoding="utf-8")):
            assert text.startswith("docs/data/")
            assert (ROOT / text).is_file()


@needs_programs
@pytest.mark.parametrize("value", loop()[1])
def test_perplexity(value: str) -> None:
    name, values, command = loop()
    page = numbers(sample().commands[0].printed, "PPL")
    assert len(page) == len(values)
    with text_samples.workplace() as folder:
        (measured,) = numbers(text_samples.shell(f"{name}={value}; {command}", folder), "PPL")
    assert measured == pytest.approx(page[values.index(value)], rel=PPL_TOLERANCE)


@needs_programs
def test_kl() -> None:
    _, sober, dosed = sample().commands
    with text_samples.workplace() as folder:
        text_samples.shell(sober.line, folder)
        measured = text_samples.shell(dosed.line, folder)
    (kl,), (page,) = numbers(measured, "KLD"), numbers(dosed.printed, "KLD")
    assert kl == pytest.approx(page, rel=KL_TOLERANCE)
    (same,), (page,) = numbers(measured, "Same top p"), numbers(dosed.printed, "Same top p")
    assert same == pytest.approx(page, abs=SAME_TOLERANCE)


def test_numbers_of_the_readme_stand_in_their_pages() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())

    def row(page: str, begin: str) -> str:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        return next(line for line in text.splitlines() if line.startswith(begin))

    speed = re.search(r"at (\S+) of the speed of `llama-bench`, 16 variations together at (\S+) of", readme)
    assert speed
    one = re.search(r"\| ([\d.]+) \([^|]*of llama-bench", row("performance.md", "| drugs_cpp, 5 sites dosed   "))
    many = re.findall(r"\| ([\d.]+) \(", row("performance.md", "| 16    |"))
    assert one
    assert [float(part) for part in speed.groups()] == [round(float(one[1]), 2), round(float(many[2]), 2)]

    sure = re.search(r"AUROC (\S+) and (\S+) on sums", readme)
    assert sure
    page = " ".join((ROOT / "docs" / "uncertainty.md").read_text(encoding="utf-8").split())
    assert f"a score from both has AUROCs of {sure[1]} and {sure[2]}" in page
