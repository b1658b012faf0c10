"""``python -m random_calls``: many random calls, in slices; progress is saved, and the next run continues from it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from random_calls.running import make_calls

EXAMPLES_OF_SLICE = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m random_calls", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=100_000, help="in all, those of earlier runs included; default: %(default)s"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these; the next run goes on")
    parser.add_argument(
        "--store", type=Path, default=Path("build/random-calls.json"), help="what was done; default: %(default)s"
    )
    options = parser.parse_args()
    done = (
        json.loads(options.store.read_text(encoding="utf-8")) if options.store.exists() else {"slices": 0, "calls": 0}
    )
    end = time.monotonic() + 60 * options.minutes
    while done["calls"] < options.calls and time.monotonic() < end:
        n_calls = make_calls(seed=done["slices"], n_examples=EXAMPLES_OF_SLICE)
        done = {"slices": done["slices"] + 1, "calls": done["calls"] + n_calls}
        options.store.parent.mkdir(parents=True, exist_ok=True)
        options.store.write_text(json.dumps(done), encoding="utf-8")
        print(f"\r{done['calls']} of {options.calls} calls", end="", file=sys.stderr, flush=True)
    print(f"\nrandom calls: {done['calls']} made in {done['slices']} slices, none was answered wrongly")
    return 0 if done["calls"] >= options.calls else 3


if __name__ == "__main__":
    sys.exit(main())
