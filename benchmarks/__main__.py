"""``python -m benchmarks``: see ``--help``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import drugs_cpp
from benchmarks import cached, instructions, memory, speed


def main() -> None:
    options = _options()
    model = options.model or str(drugs_cpp.default_model())
    patched = Path(drugs_cpp.__file__).parent / "lib"
    if options.what in ("all", "speed"):
        speed.measure(patched, _folder("DRUGS_UNPATCHED_LIB"), model, options.threads, options.rounds, options.tokens)
    if options.what in ("all", "cached"):
        cached.measure(patched, model, options.threads, options.rounds // 5, options.tokens)
    if options.what in ("all", "memory"):
        memory.measure(patched, model, options.threads, rounds=3)
    if options.what in ("all", "instructions"):
        instructions.measure(_folder("DRUGS_AVX2_LIB"), model)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What dosing costs, beside upstream.")
    parser.add_argument("what", nargs="?", choices=["all", "speed", "cached", "memory", "instructions"], default="all")
    parser.add_argument("-m", "--model", help="a GGUF model; without it the default one")
    parser.add_argument("-t", "--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("-r", "--rounds", type=int, default=150, help="rounds of the speed comparison (%(default)s)")
    parser.add_argument("-n", "--tokens", type=int, default=16, help="tokens a measurement (%(default)s)")
    return parser.parse_args()


def _folder(variable: str) -> Path:
    folder = os.environ.get(variable)
    if not folder:
        raise SystemExit(f"benchmarks: {variable} is not set: `make bench` builds what it names and sets it")
    return Path(folder)


if __name__ == "__main__":
    main()
