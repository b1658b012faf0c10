"""The README's examples run, in the order in which they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(examples) >= 5
    namespace: dict[str, object] = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert "seed 8" in printed
    assert "('H', 'Q', 'K', 'V', 'A', 'pK', 'pV', 'M')" in printed
    for name in ("llm", "plain"):
        namespace[name].close()  # type: ignore[attr-defined]


def test_what_it_points_to_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        file, _, heading = target.partition("#")
        path = ROOT / (file or "README.md")
        assert path.is_file(), target
        headings = re.findall(rb"^#+ (.*)$", path.read_bytes(), flags=re.MULTILINE) if heading else []
        assert not heading or heading in [
            re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in map(bytes.decode, headings)
        ], target


def test_its_commands_are_those_of_the_makefile() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake (\w+)", README)) <= targets


def test_the_map_has_every_folder_and_no_other() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = text.split("```")[1]
    for root in ("python/drugs_cpp", "csrc"):
        part = re.split(r"^\S", drawing.split(f"\n{root}/\n")[1], flags=re.MULTILINE)[0]
        folders = {path.name for path in (ROOT / root).iterdir() if path.is_dir() and not path.name.startswith("_")}
        assert set(re.findall(r"^    (\w+)/ ", part, flags=re.MULTILINE)) == folders


def test_the_map_points_to_what_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:csrc|tests)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`((?:engine|model|doses|tools)/[\w./]+)`", text):
        assert (ROOT / "python" / "drugs_cpp" / path).exists(), path
