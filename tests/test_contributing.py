"""What CONTRIBUTING.md, SECURITY.md and CHANGELOG.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]


@pytest.fixture(params=DOCUMENTS)
def text(request: pytest.FixtureRequest) -> str:
    return (ROOT / str(request.param)).read_text(encoding="utf-8")


def test_its_links_lead_somewhere(text: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        assert (ROOT / target).is_file(), target


def test_its_paths_exist(text: str) -> None:
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in re.findall(rf"\b((?:{folders})/[\w./*-]+)", text):
        if not path.startswith("build/"):
            assert list(ROOT.glob(path.rstrip(".").rstrip("/"))), path


def test_its_commands_are_those_of_the_makefile(text: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([\w-]+)", text, flags=re.MULTILINE)) <= targets


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    classifiers = re.findall(r"Python :: (3\.\d+)", settings)
    tested = re.search(r"python: \[(.*)\]", workflow)
    assert tested is not None
    assert re.findall(r"3\.\d+", tested[1]) == classifiers
    assert f'requires-python = ">={classifiers[0]}"' in settings
    assert f'target-version = "py{classifiers[0].replace(".", "")}"' in settings
