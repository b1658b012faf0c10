"""The series is consistent and applies exactly, and everything that could go wrong with it is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest

import patches
import stage_upstream
import upstream_source
from apply_patches import apply_series
from patch_file import PatchError, parse_patch, read_patches

ROOT = Path(__file__).resolve().parent.parent

# An upstream of one file, long enough for two hunks that are far apart.
LINES = [f"line {number}" for number in range(1, 41)]
EDITED = [*LINES[:9], "first addition", *LINES[9:29], "second addition", *LINES[29:]]
FILE = "src/file.cpp"

Series = tuple[Path, Path]


def write_lines(tree: Path, lines: list[str]) -> None:
    path = tree / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A substitute for llama.cpp's tree."""
    tree = tmp_path / "upstream"
    write_lines(tree, LINES)
    (tree / "ggml").mkdir()
    (tree / "ggml" / "CMakeLists.txt").write_text("# nothing\n", encoding="utf-8")
    return tree


@pytest.fixture
def series(tmp_path: Path, upstream: Path) -> Series:
    """A folder with a series of one patch, and the repository it was exported from."""
    folder, repository = tmp_path / "patches", tmp_path / "repository"
    folder.mkdir()
    (folder / "series").write_text("", encoding="utf-8")
    patches.checkout(repository, upstream, folder)
    write_lines(repository, EDITED)
    patches.commit(repository, "file: add two lines\n\nWhy: to test.\nWhy not outside: it is inside.\n")
    patches.export(repository, folder)
    return folder, repository


def test_real_series_is_well_formed() -> None:
    assert patches.find_problems() == []
    assert read_patches(ROOT / "patches")


def test_real_series_applies_exactly_and_exports_to_the_same_bytes() -> None:
    assert patches.find_differences(upstream_source.find_source()) == []


@pytest.mark.parametrize("name", ["docs/getting-started.md", "python/drugs_cpp/_library.py"])
def test_pinned_version_is_the_same_everywhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r'(?:llama_cpp_python-|UPSTREAM_VERSION = ")([0-9.]+[0-9])', text)
    assert set(found) == {upstream_source.read_pin().version}


def test_checkout_and_export_are_inverse(series: Series, upstream: Path, tmp_path: Path) -> None:
    folder, _ = series
    again = tmp_path / "again"
    patches.checkout(again, upstream, folder)
    assert (again / FILE).read_text(encoding="utf-8").splitlines() == EDITED
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert patches.export(again, folder) == ["file-add-two-lines.patch"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_export_removes_a_dropped_patch(series: Series) -> None:
    folder, repository = series
    patches.git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    assert patches.export(repository, folder) == []
    assert not list(folder.glob("*.patch"))


def test_export_refuses_uncommitted_changes(series: Series) -> None:
    folder, repository = series
    write_lines(repository, LINES)
    with pytest.raises(PatchError, match="not committed"):
        patches.export(repository, folder)


def test_added_lines_are_counted_without_tests(series: Series) -> None:
    folder, _ = series
    (patch,) = read_patches(folder)
    assert patch.n_added == 2
    text = (folder / patch.name).read_text(encoding="utf-8")
    assert parse_patch(patch.name, text.replace(FILE, "tests/file.cpp")).n_added == 0


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("Why: ", "Because: "), "no line 'Why: ...'"),
        (lambda text: text.replace("Why not outside: it", "Why not outside:\nit"), "no line 'Why not outside: ...'"),
        (lambda text: text.replace("file: add two", "file: add a few"), "should be named file-add-a-few-lines.patch"),
        (lambda text: text.replace("+first addition", "+first addition "), "adds space at the end of a line"),
    ],
)
def test_malformed_patch_is_named(series: Series, change: Callable[[str], str], problem: str) -> None:
    folder, _ = series
    edit(folder / "file-add-two-lines.patch", change)
    (found,) = patches.find_problems(folder)
    assert problem in found
    assert found.startswith("file-add-two-lines.patch")


def test_long_patch_is_named(series: Series) -> None:
    folder, repository = series
    write_lines(repository, LINES + [f"addition {number}" for number in range(81)])
    patches.commit(repository, "file: add too much\n\nWhy: to test.\nWhy not outside: it is inside.\n")
    patches.export(repository, folder)
    (found,) = patches.find_problems(folder)
    assert found.startswith("file-add-too-much.patch adds 81 lines")


def test_series_and_folder_must_agree(series: Series) -> None:
    folder, _ = series
    (folder / "stray.patch").write_text("", encoding="utf-8")
    edit(folder / "series", lambda text: text + "missing.patch\n")
    assert patches.find_problems(folder) == [
        "missing.patch is in patches/series but not in patches/",
        "stray.patch is in patches/ but not in patches/series",
    ]
    with pytest.raises(PatchError, match=r"missing\.patch"):
        read_patches(folder)


def test_series_applies_inside_another_repository(series: Series, upstream: Path) -> None:
    """There, git would skip the patches and report success: our build trees are inside a repository."""
    folder, _ = series
    subprocess.run(["git", "init", "--quiet", str(upstream.parent)], check=True)
    apply_series(upstream, folder)
    assert (upstream / FILE).read_text(encoding="utf-8").splitlines() == EDITED


def test_skipped_patch_is_noticed(series: Series, upstream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = series
    subprocess.run(["git", "init", "--quiet", str(upstream.parent)], check=True)
    monkeypatch.setattr("apply_patches.git_environment", lambda _tree: dict(os.environ))
    with pytest.raises(PatchError, match=r"file-add-two-lines\.patch was skipped .* hunk 1 is not at src/file\.cpp:7"):
        apply_series(upstream, folder)


def test_offset_is_refused(series: Series, upstream: Path) -> None:
    folder, _ = series
    write_lines(upstream, [*LINES[:15], "upstream grew", *LINES[15:]])
    with pytest.raises(PatchError, match=r"file-add-two-lines\.patch .* offset: hunk 2 at src/file\.cpp:29 is off by"):
        apply_series(upstream, folder)


def test_fuzz_is_refused(series: Series, upstream: Path) -> None:
    folder, _ = series
    write_lines(upstream, [*LINES[:26], "upstream changed this line of context", *LINES[27:]])
    with pytest.raises(PatchError, match=r"file-add-two-lines\.patch .* hunk 2 at src/file\.cpp:27 does not match"):
        apply_series(upstream, folder)


def test_missing_file_is_named(series: Series, upstream: Path) -> None:
    folder, _ = series
    (upstream / FILE).unlink()
    with pytest.raises(PatchError, match=r"file-add-two-lines\.patch does not apply: src/file\.cpp: No such file"):
        apply_series(upstream, folder)


def modification_times(staged: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in staged.rglob("*") if path.is_file()}


def test_staging_writes_only_what_changed(series: Series, upstream: Path, tmp_path: Path) -> None:
    folder, repository = series
    staged = tmp_path / "staged"
    stage_upstream.stage(upstream, staged, folder)
    assert (staged / FILE).read_text(encoding="utf-8").splitlines() == EDITED
    first = modification_times(staged)

    stage_upstream.stage(upstream, staged, folder)
    assert modification_times(staged) == first

    patches.git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    patches.export(repository, folder)
    stage_upstream.stage(upstream, staged, folder)
    assert (staged / FILE).read_text(encoding="utf-8").splitlines() == LINES
    second = modification_times(staged)
    assert second["CMakeLists.txt"] == first["CMakeLists.txt"]
    assert second["file.cpp"] > first["file.cpp"], "the build would not see that the patch is gone"


def test_failed_staging_leaves_no_stamp(series: Series, upstream: Path, tmp_path: Path) -> None:
    folder, _ = series
    staged = tmp_path / "staged"
    stage_upstream.stage(upstream, staged, folder)
    write_lines(upstream, LINES[1:])
    for _attempt in range(2):
        with pytest.raises(PatchError):
            stage_upstream.stage(upstream, staged, folder)


def test_wrong_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "upstream.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(upstream_source.UpstreamError, match="is not the pinned llama-cpp-python"):
        upstream_source.find_source(str(archive))


def test_missing_and_empty_sources_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(upstream_source.UpstreamError, match="does not exist"):
        upstream_source.find_source(str(tmp_path / "nowhere"))
    monkeypatch.setenv("DRUGS_CPP_UPSTREAM", str(tmp_path))
    with pytest.raises(upstream_source.UpstreamError, match=r"holds no llama\.cpp source"):
        upstream_source.find_source()


def test_failed_download_says_the_remedy_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRUGS_CPP_UPSTREAM", raising=False)
    monkeypatch.setattr(upstream_source, "cache_folder", lambda: tmp_path / "cache")
    for name in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # as without a network: pip finds nothing
    with pytest.raises(upstream_source.UpstreamError) as failure:
        upstream_source.find_source()
    message = str(failure.value)
    assert "connect to the network" in message
    assert "-DDRUGS_UPSTREAM=PATH" in message
    assert "\n" not in message
    assert not list((tmp_path / "cache").iterdir())


def test_damaged_cache_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"the right archive"
    pin = upstream_source.Pin("some-name", "1.2", hashlib.sha256(content).hexdigest(), "abc")
    downloads: list[Path] = []

    def download(pin: upstream_source.Pin, folder: Path) -> None:
        downloads.append(folder)
        (folder / pin.archive_name).write_bytes(content)

    monkeypatch.setattr(upstream_source, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(upstream_source, "download", download)
    (tmp_path / pin.archive_name).write_bytes(b"half an arch")
    assert upstream_source.fetch(pin).read_bytes() == content
    upstream_source.fetch(pin)
    assert len(downloads) == 1


def test_pin_is_complete() -> None:
    pin = json.loads((ROOT / "patches" / "upstream.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[0-9a-f]{64}", pin["sha256"])
