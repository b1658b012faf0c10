"""Run what was compiled for another system, and compare it with this system.

usage: python -m elsewhere windows FOLDER       (make check-windows)
       python -m elsewhere arm FOLDER [CPU...]  (make check-arm)
       python -m elsewhere count FOLDER         (make count-arm)

FOLDER is the build tree of the other system, build/package that of this one, and build/avx2 that for x86-64 with AVX2.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from elsewhere import instructions, texts, vectors, windows_python
from elsewhere.systems import MissingError, System, arm, here, windows
from installing.wheels import FIRST_STEPS

NATIVE = Path("build", "package")
AVX2 = Path("build", "avx2")
PYTHON = Path("build", "windows-python")

#: files of tests that run in Windows' Python too: the package, threads, Ctrl-C, the program, the server
TESTS = [
    str(Path("tests", f"test_{name}.py"))
    for name in (
        *("loading", "model_file", "greedy", "decoding", "drugs", "cold_shower", "state", "session", "noise"),
        *("threads", "interrupts", "program", "server", "server_slots", "server_mistakes"),
    )
]


def faults(system: System, folder: Path) -> Iterator[str]:
    """Print what is compared, and yield what is wrong."""
    print(f"{system.name}:", flush=True)
    yield from _kernels(system, folder)
    yield from _vectors(system, folder)
    yield from _ops(system, folder)
    if program := _program(system, folder, "drugs"):
        text = texts.here()
        fault = texts.parting(text, texts.there(system, program, folder))
        yield from [fault] if fault else []
        if (installed := folder / "installed" / "drugs_cpp").exists():
            yield from _python(system, installed.parent, text)


def _program(system: System, folder: Path, name: str) -> Path | None:
    """Return a program without its suffix, or None if this build does not have it. An installed one comes first."""
    places = (folder / "installed" / "bin" / name, folder / "bin" / name)
    return next((place for place in places if place.with_name(name + system.suffix).exists()), None)


def _kernels(system: System, folder: Path) -> Iterator[str]:
    if program := _program(system, folder, "check-kernels"):
        run = system.run(program)
        print(f"  {run.stdout.strip()}".replace("\n", "\n  "), flush=True)
        if run.returncode:
            yield f"check-kernels: {run.stderr}"


def _vectors(system: System, folder: Path) -> Iterator[str]:
    run = system.run(folder / "bin" / "turned-vectors")
    if run.returncode:
        yield f"turned-vectors: {run.stderr}"
        return
    found = vectors.read(run.stdout)
    numpy = vectors.from_numpy(found)
    native = vectors.from_here(found, vectors.read(here().run(NATIVE / "bin" / "turned-vectors").stdout))
    print(f"  turned vectors: {numpy:.1e} from numpy's, {native:.1e} from this system's", flush=True)
    if numpy > vectors.FROM_NUMPY or native > vectors.FROM_HERE:
        yield f"turned vectors differ by more than {vectors.FROM_NUMPY:.1e} or {vectors.FROM_HERE:.1e}"


def _ops(system: System, folder: Path) -> Iterator[str]:
    if program := _program(system, folder, "test-backend-ops"):
        run = system.run(program, "test", "-o", "RANDOM_ROTATE,RANDOM_ROTATE_SCORES_VALUES", "-b", "CPU")
        passed = re.search(r"(\d+)/(\d+) tests passed", run.stdout)
        print(f"  llama.cpp's tests of these ops: {passed[0] if passed else 'none passed'}", flush=True)
        if run.returncode or passed is None or passed[1] != passed[2]:
            yield f"test-backend-ops: {run.stdout[-2000:]}{run.stderr[-2000:]}"


def _python(system: System, installed: Path, text: texts.Text) -> Iterator[str]:
    """Windows' Python writes the same text too, and tests pass in it."""
    windows_python.put_package(PYTHON, installed)
    python = PYTHON / "python"
    print("  Python:", flush=True)
    fault = texts.parting(text, texts.of_python(system, python, PYTHON))
    yield from [fault] if fault else []
    steps = system.run(python, str(FIRST_STEPS))
    print("  README's first steps work" if steps.returncode == 0 else "  README's first steps fail", flush=True)
    if steps.returncode:
        yield f"first steps: {steps.stdout}{steps.stderr}"
    run = system.run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    summary = re.findall(r"^.*\d+ (?:passed|failed|error).*$", run.stdout, re.MULTILINE)
    print(f"  {summary[-1].strip('= ') if summary else 'no tests ran'}", flush=True)
    if run.returncode:
        yield f"tests fail: {run.stdout[-4000:]}{run.stderr[-2000:]}"


def main() -> int:
    """Compare, and return the exit code."""
    parser = argparse.ArgumentParser(
        "elsewhere", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", choices=("windows", "arm", "count"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("cpu", nargs="*", default=["max"])
    given = parser.parse_args()
    if not any(given.folder.glob("bin/turned-vectors*")):
        parser.error(f"{given.folder} has no bin/turned-vectors: make check-arm and make check-windows build theirs")
    try:
        if given.system == "count":
            instructions.print_counts(given.folder, AVX2)
            return 0
        systems = [windows()] if given.system == "windows" else [arm(cpu) for cpu in given.cpu]
        found = [f"{system.name}: {fault}" for system in systems for fault in faults(system, given.folder)]
    except (MissingError, ValueError) as error:
        sys.exit(f"drugs_cpp: error: {error}")
    for fault in found:
        print(f"drugs_cpp: error: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
