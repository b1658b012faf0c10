"""Build a sanitized drugs_cpp next to the real one, and run tests with it. Any report of a sanitizer is an error.

python scripts/sanitize.py build KIND            build the package, in build/KIND/site
python scripts/sanitize.py test KIND             run the C++ tests and the most important Python tests with it
python scripts/sanitize.py run KIND COMMAND...   run any command with it

KIND is address, for AddressSanitizer with UndefinedBehaviorSanitizer, or thread, for ThreadSanitizer with ggml's own
threads, because it does not understand how OpenMP's threads wait for each other. Reports are in build/KIND/reports.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPRESSIONS = ROOT / "tests" / "sanitize"

FLAGS = {
    "address": "-fsanitize=address,undefined -fno-omit-frame-pointer -g1 -O1",
    "thread": "-fsanitize=thread -fno-omit-frame-pointer -g1 -O1",
}
CMAKE_OPTIONS = {"address": {}, "thread": {"GGML_OPENMP": "OFF", "GGML_SANITIZE_THREAD": "ON"}}

#: library that a program built without a sanitizer has to load first
RUNTIME = {"address": "libasan.so", "thread": "libtsan.so"}

#: C++ programs that tests run, and the variables that say where they are
PROGRAMS = {"DRUGS_CHECK_KERNELS": "check-kernels", "DRUGS_TEST_BACKEND_OPS": "test-backend-ops"}

#: what AddressSanitizer says about every program with coroutines, such as the one that runs GPU kernels in lockstep
HARMLESS = "doesn't fully support makecontext/swapcontext"

#: tests that look at files made by another compiler
LEFT_OUT = "tests/test_kernels.py::test_cuda_files_compile"

#: tests of computations and lifetimes; under ThreadSanitizer, those with several threads
HEART = {
    "address": [
        *("kernels", "backend_ops", "attend", "bindings", "cached_sites", "closed", "cold_shower", "core_errors"),
        *("decoding", "dgenerate", "grammars", "lifetime", "noise", "order_of_calls", "random_calls", "rotation"),
        *("session", "shower_ledger", "showers", "state", "tokenizer", "variations"),
    ],
    "thread": [
        # without kernels: one thread that changes stacks by itself, which ThreadSanitizer does not follow
        *("backend_ops", "attend", "cached_sites", "cold_shower", "decoding", "lifetime", "random_calls"),
        *("repeatable", "showers", "variations"),
    ],
}


def folder(kind: str) -> Path:
    return ROOT / "build" / kind


def cmake_options(kind: str) -> dict[str, str]:
    """Return the CMake options of the sanitized build."""
    languages = ("C", "CXX")
    return {f"CMAKE_{language}_FLAGS": FLAGS[kind] for language in languages} | CMAKE_OPTIONS[kind]


def build(kind: str) -> int:
    options = {"DRUGS_PROGRAMS": "OFF", "DRUGS_BUILD_TESTS": "ON", **cmake_options(kind)}
    install = [sys.executable, "-m", "pip", "install", "--verbose", "--no-build-isolation", "--no-deps", "--upgrade"]
    install += ["--target", str(folder(kind) / "site"), f"--config-settings=build-dir={folder(kind) / 'tree'}"]
    install += [f"--config-settings=cmake.define.{name}={value}" for name, value in options.items()]
    shutil.rmtree(folder(kind) / "site", ignore_errors=True)
    programs = ["cmake", "--build", str(folder(kind) / "tree"), "--target", *PROGRAMS.values()]
    return subprocess.call([*install, str(ROOT)]) or subprocess.call(programs)


def runtime(kind: str) -> str:
    """Return the sanitizer's library and the one whose exceptions it watches; Python itself does not load them."""
    return " ".join([library(RUNTIME[kind]), library("libstdc++.so.6")])


def library(name: str) -> str:
    """Return the path of the compiler's library with this name."""
    compiler = os.environ.get("CXX", "c++")
    answer = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    path = Path(answer.stdout.strip())
    if not path.is_absolute():
        sys.exit(f"drugs_cpp: error: {compiler} has no {name}: set CXX to a compiler that has it, such as g++")
    return str(path)


def environment(kind: str, base: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for a command that uses the sanitized package."""
    report = f"log_path={folder(kind) / 'reports' / 'report'}"
    options = {
        "address": {
            "ASAN_OPTIONS": f"{report}:detect_leaks=1:detect_odr_violation=1:strict_string_checks=1",
            "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'leaks.txt'}:print_suppressions=0",
            "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:suppressions={SUPPRESSIONS / 'undefined.txt'}",
        },
        "thread": {
            "TSAN_OPTIONS": f"{report}:suppressions={SUPPRESSIONS / 'threads.txt'}:history_size=4:exitcode=66",
        },
    }[kind]
    site = str(folder(kind) / "site")
    return {
        **base,
        **options,
        "LD_PRELOAD": runtime(kind),
        "PYTHONPATH": os.pathsep.join(filter(None, [site, base.get("PYTHONPATH")])),
        "PYTHONMALLOC": "malloc",
    }


def run(kind: str, command: list[str]) -> int:
    """Run a command; returns its status, or 1 if a sanitizer reported something."""
    reports = folder(kind) / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    # ThreadSanitizer needs addresses that a kernel with much address space randomization may not leave free
    fixed = ["setarch", platform.machine(), "-R"] if kind == "thread" and shutil.which("setarch") else []
    status = subprocess.call([*fixed, *command], env=environment(kind, os.environ))
    return judge(kind, reports, status)


def test(kind: str) -> int:
    """Run the tests under a sanitizer."""
    programs = {variable: str(folder(kind) / "tree" / "bin" / name) for variable, name in PROGRAMS.items()}
    os.environ.update(programs, OPENBLAS_NUM_THREADS="1")
    files = [f"tests/test_{name}.py" for name in HEART[kind]]
    # UndefinedBehaviorSanitizer writes to standard error and ends the process, so pytest must not capture it
    return run(kind, [sys.executable, "-m", "pytest", "--capture=sys", "--deselect", LEFT_OUT, *files])


def judge(kind: str, reports: Path, status: int) -> int:
    """Show what was reported; returns the overall status."""
    texts = {path.name: said(path.read_text(encoding="utf-8", errors="replace")) for path in sorted(reports.iterdir())}
    found = {name: text for name, text in texts.items() if text}
    for name, text in found.items():
        print(f"--- {name}\n{text}", file=sys.stderr)
    if found:
        print(f"drugs_cpp: error: {len(found)} processes with {kind} sanitizer reports: {reports}", file=sys.stderr)
        return status or 1
    if status:
        print(f"drugs_cpp: error: the command ended with {status} under the {kind} sanitizer", file=sys.stderr)
        return status
    print(f"{kind} sanitizer: nothing was reported", file=sys.stderr)
    return 0


def said(report: str) -> str:
    """Return a report without harmless lines; empty if nothing is left."""
    return "\n".join(line for line in report.splitlines() if HARMLESS not in line).strip()


def main() -> int:
    what, kind, *command = sys.argv[1:]
    return run(kind, command) if what == "run" else {"build": build, "test": test}[what](kind)


if __name__ == "__main__":
    sys.exit(main())
