"""Build a wheel for every processor of this machine's kind, and give it the name of the systems on which it runs.

    python scripts/build_wheel.py build                  writes dist/*.whl (make wheel)
    python scripts/build_wheel.py build windows          the same for Windows, with MinGW-w64 (make wheel-windows)
    python scripts/build_wheel.py name WHEEL FOLDER      only gives a wheel its name, and moves it

The wheel has a copy of ggml's CPU backend for each generation of processors, of which one is chosen when it is loaded,
the programs and the page. The options for CMake are in pyproject.toml. auditwheel says which systems are the oldest.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
LARGEST = 30  # MB

#: Options for CMake if the wheel is for another system than this one.
SYSTEMS = {
    "here": "",
    "windows": shlex.join(
        [f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/Windows.cmake", f"-DDRUGS_WINDOWS_PYTHON={ROOT}/build/windows-python"]
    ),
}

#: Libraries without which only a backend is not loaded, because there is no driver for it.
OF_DRIVERS = {"libvulkan.so.1"}


class WheelError(Exception):
    """The wheel cannot be used as it is. The text is one line for the user."""


def output_of(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout


def build(folder: Path, system: str) -> Path:
    """Build the wheel for one of ``SYSTEMS`` in ``folder``, with the tag of this system."""
    tree = ROOT / "build" / ("wheel" if system == "here" else f"wheel-{system}")
    command = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    command += [str(folder), f"--config-settings=build-dir={tree}", str(ROOT)]
    options = {"CMAKE_ARGS": SYSTEMS[system]} if SYSTEMS[system] else {}
    subprocess.run(command, env={**os.environ, **options, "DRUGS_FOR_ALL": "1"}, check=True)
    return next(folder.glob("*.whl"))


def oldest_system(wheel: Path) -> str:
    """Return the tag of Windows, or of the oldest Linux on which a wheel runs.

    auditwheel calls our own libraries external, because pip puts the programs into another folder than in the wheel.

    Raises:
        WheelError: the wheel requires a library that not every Linux has.
    """
    with zipfile.ZipFile(wheel) as files:
        ours = {Path(path).name for path in files.namelist()}
    if any(name.endswith(".pyd") for name in ours):
        return "win_amd64"
    found = json.loads(output_of("auditwheel", "show", "--json", str(wheel)))
    if foreign := sorted(set(found["external_libs"]) - ours - OF_DRIVERS):
        raise WheelError(f"{wheel.name} does not run on every Linux: it requires {', '.join(foreign)}")
    return str(found["sym_tag"])


def name(wheel: Path, folder: Path) -> Path:
    """Move a wheel to ``folder``, with the tag of the oldest system in its name and inside. Return the file.

    Raises:
        WheelError: it is too large, or does not run on every Linux.
    """
    if sys.platform == "linux":
        tags = (sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", oldest_system(wheel), str(wheel))
        wheel = wheel.with_name(output_of(*tags).split()[-1])
    size = wheel.stat().st_size / 1e6
    if size > LARGEST:
        raise WheelError(f"{wheel.name} has {size:.1f} MB, and {LARGEST} MB are the most")
    folder.mkdir(exist_ok=True)
    print(f"{wheel.name}: {size:.1f} MB")
    return wheel.replace(folder / wheel.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("system", choices=sorted(SYSTEMS), nargs="?", default="here")
    naming = commands.add_parser("name")
    naming.add_argument("wheel", type=Path)
    naming.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.command == "name":
        name(given.wheel.resolve(), given.folder.resolve())
    else:
        DIST.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="wheel-", dir=DIST) as folder:
            name(build(Path(folder), given.system), DIST)


if __name__ == "__main__":
    try:
        main()
    except WheelError as error:
        sys.exit(f"drugs_cpp: error: {error}")
