"""README and the pages of docs/: their examples run, their links work, and they build as a site."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import command_reference
import drugs_cpp
from drugs_cpp import DoseWarning
from support.program import DRUGS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]

#: its examples measure the whole model several times, and say nothing of what comes out: a random one will do
MEASURES = "docs/effect.md"

#: the longest README that someone in a hurry reads
MOST_LINES = 130


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text_of(page), flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Headings, as named in links by GitHub and the site."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in names(PAGES) if examples(page)])
def test_the_examples_of_a_page_run(
    page: str,
    tiny_model_path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if page == MEASURES:
        monkeypatch.setattr(drugs_cpp, "default_model", lambda: Path(tiny_model_path))
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoseWarning)
        for example in examples(page):
            exec(compile(example, page, "exec"), namespace)
    printed = capsys.readouterr().out
    for code in examples(page):
        for said in re.findall(r"print\(.*\)  # (\(.*\))(?:$|:)", code, flags=re.MULTILINE):
            assert said in printed
    if "llm" in namespace:
        namespace["llm"].close()


@pytest.mark.parametrize("page", names(PAGES))
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text_of(page)):
        file, _, heading = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.is_file(), target
        assert not heading or heading in anchors(path), target


@pytest.mark.parametrize("page", names(PAGES))
def test_commands_are_those_of_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([\w-]+)", text_of(page), flags=re.MULTILINE)) <= targets


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= MOST_LINES


@pytest.mark.skipif(not Path(DRUGS).exists(), reason="the programs were not built: make test")
@pytest.mark.skipif(
    not (3, 10) <= sys.version_info[:2] <= (3, 12),
    reason="another argparse words help differently: PYTHON=python3.11 make",
)
def test_the_command_reference_is_what_the_commands_say() -> None:
    assert command_reference.PAGE.read_text(encoding="utf-8") == command_reference.page()


@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="Sphinx is not installed: make test")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(r'(?:src|<link[^>]* href)="(https?:[^"]*)"', page.read_text(encoding="utf-8"))
        assert loaded == [], page  # it works without a network


def test_the_map_has_every_folder_and_no_other() -> None:
    drawing = text_of("docs/how-it-works.md").split("```")[1]
    for root in ("python/drugs_cpp", "csrc"):
        part = re.split(r"^\S", drawing.split(f"\n{root}/\n")[1], flags=re.MULTILINE)[0]
        folders = {path.name for path in (ROOT / root).iterdir() if path.is_dir() and not path.name.startswith("_")}
        assert set(re.findall(r"^    (\w+)/ ", part, flags=re.MULTILINE)) == folders


def test_the_map_points_to_what_exists() -> None:
    text = text_of("docs/how-it-works.md")
    for path in re.findall(r"`((?:csrc|tests)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`((?:engine|model|doses|tools)/[\w./]+)`", text):
        assert (ROOT / "python" / "drugs_cpp" / path).exists(), path
