"""The guide for contributors, SECURITY.md and CHANGELOG.md name only things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["docs/contributing.md", "SECURITY.md", "CHANGELOG.md"]


@pytest.fixture(params=DOCUMENTS)
def text(request: pytest.FixtureRequest) -> str:
    return (ROOT / str(request.param)).read_text(encoding="utf-8")


def test_its_paths_exist(text: str) -> None:
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in re.findall(rf"\b((?:{folders})/[\w./*-]+)", text):
        if not path.startswith(("build/", "dist/")):
            assert list(ROOT.glob(path.rstrip(".").rstrip("/"))), path


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    classifiers = re.findall(r"Python :: (3\.\d+)", settings)
    tested = re.search(r"python: \[(.*)\]", workflow)
    assert tested is not None
    assert re.findall(r"3\.\d+", tested[1]) == classifiers
    assert f'requires-python = ">={classifiers[0]}"' in settings
    assert f'target-version = "py{classifiers[0].replace(".", "")}"' in settings
