"""``python -m benchmarks programs``: see ``--help``."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import drugs_cpp
from benchmarks.alternate import alternate
from benchmarks.machine import machine
from benchmarks.measured import Measured
from benchmarks.report import markdown, progress

#: what `drugs bench` measures, in its order
_WHAT = ("a prompt of 128 tokens", "64 tokens, one by one")
_OPTIONS = ("-p", "128", "-n", "64", "-r", "1", "-o", "json")


def main(given: Sequence[str]) -> int:
    """Print how fast another build of the program `drugs` is, such as a wheel's, compared with this one."""
    options = _options(given)
    this = shutil.which("drugs", path=str(Path(sys.executable).parent))
    if this is None:
        sys.exit(f"benchmarks: {Path(sys.executable).parent} has no program drugs: make program")
    model = options.model or drugs_cpp.default_model()
    sides = {
        "this build": partial(_speeds, this, model, options.threads),
        str(options.program): partial(_speeds, str(options.program), model, options.threads),
    }
    print(json.dumps(machine(None), indent=1), "\n", flush=True)
    found = alternate(sides, options.rounds, partial(progress, "programs"))
    print(
        markdown(["tokens/s", "this build", "the other", "ratio"], [_row(i, *found.values()) for i in range(2)]), end=""
    )
    return 0


def _row(i: int, these: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> list[str]:
    this, other = (Measured(np.array([speeds[i] for speeds in side]), "tokens/s") for side in (these, others))
    return [_WHAT[i], str(this), str(other), str(other.against(this, "this build"))]


def _speeds(program: str, model: str, threads: int) -> list[float]:
    """Return the tokens per second of a prompt, and of tokens one by one."""
    command = [program, "bench", "-m", model, "-t", str(threads), *_OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"benchmarks: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return [float(row["avg_ts"]) for row in rows]


def _options(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks programs",
        description="How fast another build of the program `drugs` is, compared with the one beside this Python.",
    )
    parser.add_argument("program", type=Path, help="the other one, such as bin/drugs where a wheel is installed")
    parser.add_argument("-m", "--model", help="a GGUF model (the default model)")
    parser.add_argument("-t", "--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("-r", "--rounds", type=int, default=10, help="default: %(default)s")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
