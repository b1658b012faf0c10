"""Install the wheel for Windows in dist/ with Windows' pip, under Wine, and take README's first steps.

usage: python -m installing.on_windows FOLDER      (make check-wheel-windows)

FOLDER has Windows' Python (elsewhere/windows_python.py). The compiler's libraries are not found: the wheel has its own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from elsewhere.systems import MissingError, System, windows
from installing.wheels import FIRST_STEPS, newest


def without_compiler(system: System) -> System:
    """Return Windows as it is without the folders of the compiler's libraries."""
    return replace(system, environment={k: v for k, v in system.environment.items() if k != "WINEPATH"})


def copy_of(python: Path, folder: Path) -> Path:
    """Copy Windows' Python, without this package, to ``folder``, and return the program without its suffix."""
    shutil.copytree(python, folder, ignore=shutil.ignore_patterns("drugs_cpp*", "drugs*.exe", "__pycache__"))
    return folder / "python"


def run(system: System, python: Path, *arguments: str) -> str:
    """Return what Windows' Python prints with these arguments. The check ends if it fails."""
    done = system.run(python, *arguments)
    if done.returncode:
        sys.exit(f"drugs_cpp: error: {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def main() -> None:
    wheel = newest(windows=True)
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        python = copy_of(Path(sys.argv[1]), Path(folder, "python"))
        system = without_compiler(windows())
        begun = time.monotonic()
        run(system, python, "-m", "pip", "install", "--no-index", "--no-deps", str(wheel))
        backend = run(system, python, str(FIRST_STEPS))
        print(f"{wheel.name}: installed, and dosed texts after {time.monotonic() - begun:.0f} s, with {backend}")


if __name__ == "__main__":
    try:
        main()
    except MissingError as error:
        sys.exit(f"drugs_cpp: error: {error}")
