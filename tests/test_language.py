"""Words that a native speaker of the field does not use: in README, docs, docstrings, comments, help and messages."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: a habit -> what to write instead
RULES = {
    r"\bbehind\b(?<!door behind)(?<!nothing behind)(?<!left behind)": "after",
    r"(?<!there )\b(is|are|was|were) no\b(?! longer| more)": "is not a",
    r"\bbut for\b": "except for",
    r"\bbear(s)? more\b": "tolerate larger doses",
    r"\bas good as (equally|never|always)\b": "nearly",
    r"\bin the midst of\b": "during, in the middle of",
    r"\b(will|would) do so, too\b": "also",
    r"\bmay be had\b|\bcan be had\b": "are available",
    r"\b(falls?|turns?|does|do|rounds?|behaves?) otherwise\b": "differently",
    r"\banother than\b": "different from",
    r"\bhow (it|each|one|a \w+) is called\b": "what it is called",
    r"\b(has|have) alike\b": "have in common",
    r"\bcomes? nearest\b": "is nearest",
    r"\b(goes|go) on from there\b": "continues from there",
    r"\bbroken off\b": "interrupted",
    r"\bsuch a one\b": "one",
    r"\bmade anew\b": "made again",
    r"\bthat calls itself\b(?= \")": "that reports the name",
    r"\bwhat stands (here|there)\b": "the results below",
}

KINDS = {
    *(".c", ".cmake", ".cpp", ".css", ".cu", ".h", ".html", ".ipynb", ".js", ".md", ".metal", ".patch", ".py", ".pyi"),
    *(".sh", ".toml", ".yml", ""),
}

PATHS = (
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "CMakeLists.txt",
    "Makefile",
    ".ci",
    ".github",
    "benchmarks",
    "cmake",
    "csrc",
    "docs",
    "examples",
    "patches",
    "python",
    "scripts",
)

#: the end of a line, with the signs of a comment or quotation that continues on the next one
_LINE_BREAK = re.compile(r"(\\n\",)?\n\+?\s*((#:?|//+|\*(?!/)|>|\")\s*)?")


@cache
def texts() -> dict[str, str]:
    """Each file as one line, so that a habit is found across lines."""
    listed = subprocess.run(["git", "ls-files", "--", *PATHS], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name: _LINE_BREAK.sub(" ", ours(name)) for name in listed.stdout.splitlines() if is_text(name)}


def is_text(name: str) -> bool:
    return Path(name).suffix in KINDS or Path(name).name == "CMakeLists.txt"


def ours(name: str) -> str:
    """Return a file; of a patch, the header and the lines that it adds."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".patch"):
        return text
    header, *rest = text.split("\ndiff --git", 1)
    return "\n".join([header, *(line for line in "".join(rest).splitlines() if line.startswith("+"))])


def found(habit: str) -> Iterator[str]:
    for name, text in texts().items():
        for match in re.finditer(habit, text, re.IGNORECASE):
            yield f"{name}: {text[max(0, match.start() - 60) : match.end() + 40]}"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a clone: git clone")
@pytest.mark.parametrize("habit", RULES)
def test_habits(habit: str) -> None:
    places = list(found(habit))
    assert not places, f"write {RULES[habit]!r}:\n" + "\n".join(places)


def test_lines_are_joined() -> None:
    wrapped = ("is\n        # no", "is\n   * no", "is\n// no", "is\n+    // no", '    "is\\n",\n    "no', "is\nno")
    assert [re.search("is no", _LINE_BREAK.sub(" ", text)) is not None for text in wrapped] == [True] * len(wrapped)
