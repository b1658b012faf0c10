"""Other systems, and what runs their programs here."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path


class MissingError(Exception):
    """Something is not installed. The text is one line for the user."""


@dataclass(frozen=True)
class System:
    """A system.

    Attributes:
        name: of it, for people.
        runner: the command that runs a program of it.
        suffix: of its programs.
        environment: what the runner reads.
    """

    name: str
    runner: Sequence[str]
    suffix: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def with_options(self, *options: str) -> System:
        """Return the same system with more options for the runner."""
        return replace(self, runner=[*self.runner, *options])

    def run(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the system, and return when it has ended."""
        command = [*self.runner, str(program) + self.suffix, *arguments]
        # where llama_cpp finds its libraries here
        ours = {name: value for name, value in os.environ.items() if name != "LLAMA_CPP_LIB_PATH"}
        return subprocess.run(
            command,
            env={**ours, **self.environment},
            input="",  # Windows' Python does not start without an input
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )


def here() -> System:
    """This system."""
    return System("here", [])


def arm(cpu: str = "max") -> System:
    """Linux on ARM.

    Args:
        cpu: one of ``qemu-aarch64 -cpu help``.
    """
    _require("qemu-aarch64", "qemu-user")
    return System(f"ARM, {cpu}", ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", cpu])


def x86() -> System:
    """Linux on x86-64, as qemu emulates it: with AVX2 and without AVX-512."""
    _require("qemu-x86_64", "qemu-user")
    return System("x86-64", ["qemu-x86_64", "-cpu", "max"])


def windows() -> System:
    """Windows, as far as Wine is like it."""
    _require("wine", "wine")
    _require(windows_tool("g++-posix"), "g++-mingw-w64-x86-64")
    folders = {str(library(name).parent) for name in ("libstdc++-6.dll", "libwinpthread-1.dll")}
    # its own folder, so that nothing of an earlier run counts; no dialogs, and no messages of Wine's
    environment = {"WINEPATH": ";".join(sorted(folders)), "WINEDEBUG": "-all", "WINEPREFIX": _wine_folder()}
    return System("Windows", ["wine"], ".exe", environment)


def _wine_folder() -> str:
    """Return a folder for Wine that is removed at the end.

    It is not in the source tree: it has links to the whole file system, and whatever packs the source follows links.
    """
    folder = tempfile.mkdtemp(prefix="drugs-wine-")

    def remove() -> None:
        # Wine's server still writes to it for a while after the last program
        subprocess.run(["wineserver", "-k", "-w"], env={**os.environ, "WINEPREFIX": folder}, check=False)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def windows_tool(name: str) -> str:
    """Return the program that compiles or links for Windows, such as ``dlltool``."""
    return f"x86_64-w64-mingw32-{name}"


def library(name: str) -> Path:
    """Return the file of one of the compiler's own libraries for Windows."""
    command = [windows_tool("g++-posix"), f"-print-file-name={name}"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def _require(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise MissingError(f"{program} was not found: install it (Debian and Ubuntu: apt install {package})")
