"""Making wheels and what a release consists of. `make check-wheel` installs and tries a wheel."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

import build_wheel
import release_files
from installing import wheels

ROOT = Path(__file__).resolve().parent.parent
BUILT = "drugs_cpp-0.1.0-cp311-cp311-linux_x86_64.whl"
NAMED = "drugs_cpp-0.1.0-cp311-cp311-manylinux_2_35_x86_64.whl"


def wheel_file(folder: Path) -> Path:
    """A file as pip makes it, with a library of ours, of 2 MB."""
    file = folder / BUILT
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("drugs_cpp/lib/libggml.so", b"x" * 2_000_000)
    return file


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that are run; auditwheel finds glibc 2.35, and wheel renames the file."""
    commands: list[tuple[str, ...]] = []

    def output_of(*command: str) -> str:
        commands.append(command)
        if command[0] == "auditwheel":
            external = {"libggml.so": None, "libvulkan.so.1": None}  # ours, and one that a driver brings
            return json.dumps({"sym_tag": "manylinux_2_35_x86_64", "external_libs": external})
        file = Path(command[-1])
        file.rename(file.with_name(NAMED))
        return f"{NAMED}\n"

    monkeypatch.setattr(build_wheel, "output_of", output_of)
    monkeypatch.setattr(sys, "platform", "linux")
    return commands


def test_a_wheel_gets_the_name_of_the_oldest_system(tools: list[tuple[str, ...]], tmp_path: Path) -> None:
    built = wheel_file(tmp_path)
    named = build_wheel.name(built, tmp_path / "dist")
    assert named == tmp_path / "dist" / NAMED
    assert zipfile.is_zipfile(named)
    assert tools[1][-3:] == ("--platform-tag", "manylinux_2_35_x86_64", str(built))


@pytest.mark.usefixtures("tools")
def test_a_large_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build_wheel, "LARGEST", 1)
    with pytest.raises(build_wheel.WheelError, match=r"2\.0 MB, and 1 MB are the most"):
        build_wheel.name(wheel_file(tmp_path), tmp_path / "dist")


def test_a_wheel_that_requires_a_library_of_the_system_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = {"sym_tag": "manylinux_2_35_x86_64", "external_libs": {"libggml.so": None, "libssl.so.3": None}}
    monkeypatch.setattr(build_wheel, "output_of", lambda *_: json.dumps(found))
    with pytest.raises(build_wheel.WheelError, match=r"it requires libssl\.so\.3$"):
        build_wheel.oldest_system(wheel_file(tmp_path))


def test_a_wheel_for_windows_is_known_by_its_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build_wheel, "output_of", lambda *_: pytest.fail("auditwheel reads libraries of Linux"))
    file = wheel_file(tmp_path)
    with zipfile.ZipFile(file, "a") as wheel:
        wheel.writestr("drugs_cpp/_core.cp311-win_amd64.pyd", b"")
    assert build_wheel.oldest_system(file) == "win_amd64"


def test_the_newest_wheel_is_found_for_each_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(wheels, "DIST", tmp_path)
    with pytest.raises(SystemExit, match="make wheel-windows"):
        wheels.newest(windows=True)
    windows = NAMED.replace("manylinux_2_35_x86_64", "win_amd64")
    for age, name in enumerate([windows, NAMED, NAMED.replace("0.1.0", "0.0.9")]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert wheels.newest(windows=True).name == windows
    assert wheels.newest(windows=False).name == NAMED


@pytest.mark.parametrize("name", ["drugs-cpp.rb", "recipe.yaml"])
def test_the_files_of_a_release_have_its_hashes(name: str, tmp_path: Path) -> None:
    sdist = tmp_path / "drugs_cpp-1.2.3.tar.gz"
    sdist.write_bytes(b"the source")
    values = release_files.values_for(sdist)
    text = release_files.fill_in((ROOT / "packaging" / f"{name}.in").read_text(encoding="utf-8"), values)
    pin = json.loads((ROOT / "patches" / "upstream.json").read_text(encoding="utf-8"))
    assert not re.search(r"@[A-Z0-9_]+@", text)
    assert re.findall(r"\b[0-9a-f]{64}\b", text) == [hashlib.sha256(b"the source").hexdigest(), pin["sha256"]]
    assert "1.2.3" in text
    assert f"llama_cpp_python-{pin['version']}.tar.gz" in text


def test_the_files_of_a_release_need_its_source_distribution(tmp_path: Path) -> None:
    with pytest.raises(release_files.ReleaseError, match="is not a source distribution"):
        release_files.values_for(tmp_path / "drugs_cpp-0.1.0-py3-none-any.whl")
