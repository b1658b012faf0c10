"""Other systems, and what runs their programs here."""

from __future__ import annotations

import os
import shutil
import subprocess
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
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
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
    _require(_COMPILER, "g++-mingw-w64-x86-64")
    folders = {str(_library(name).parent) for name in ("libstdc++-6.dll", "libwinpthread-1.dll")}
    # its own folder, so that nothing of an earlier run counts; no dialogs, and no messages of Wine's
    prefix = Path("build", "wine").absolute()
    prefix.mkdir(parents=True, exist_ok=True)
    environment = {"WINEPATH": ";".join(sorted(folders)), "WINEDEBUG": "-all", "WINEPREFIX": str(prefix)}
    return System("Windows", ["wine"], ".exe", environment)


_COMPILER = "x86_64-w64-mingw32-g++-posix"


def _library(name: str) -> Path:
    said = subprocess.run([_COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout
    return Path(said.strip())


def _require(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise MissingError(f"{program} was not found: install it (Debian and Ubuntu: apt install {package})")
