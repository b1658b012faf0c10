"""Words that a native speaker of the field does not use: in README, docs, docstrings, comments, help and messages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: a habit -> what to write instead
RULES = {
    r"\bbehind\b(?<!door behind)(?<!nothing behind)(?<!left behind)": "after",
    r"(?<!there )(?<!There )(?<!// )\b(is|are|was|were) no\b(?! longer| more)": "is not a",
    r"\bbut for\b": "except for",
    r"\bbear(s)? more\b": "tolerate larger doses",
    r"\bas good as (equally|never|always)\b": "nearly",
    r"\bin the midst of\b": "during, in the middle of",
    r"\b(will|would) do so, too\b": "also",
    r"\bmay be had\b|\bcan be had\b": "are available",
}

KINDS = {".md", ".py", ".pyi", ".h", ".cpp", ".c", ".js", ".html", ".patch"}

FOLDERS = (
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs",
    "python",
    "csrc",
    "examples",
    "scripts",
    "benchmarks",
    "patches",
)


def texts() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in listed if Path(name).suffix in KINDS}


def ours(name: str, text: str) -> str:
    """Of a patch, what is ours: its header, and the lines that it adds."""
    if not name.endswith(".patch"):
        return text
    header, *rest = text.split("\ndiff --git", 1)
    return "\n".join([header, *(line for line in "".join(rest).splitlines() if line.startswith("+"))])


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a clone: git clone")
@pytest.mark.parametrize("habit", RULES)
def test_habits(habit: str) -> None:
    found = [
        f"{name}: {line.strip()}"
        for name, text in texts().items()
        for line in ours(name, text).splitlines()
        if re.search(habit, line)
    ]
    assert not found, f"write {RULES[habit]!r}:\n" + "\n".join(found)
