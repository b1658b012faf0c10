#!/usr/bin/env python3
"""`drugs serve` with another model instead of the small one that upstream's tests download.

usage: DRUGS_PROGRAM="drugs serve" server_with_small_model.py OPTIONS...
"""

from __future__ import annotations

import os
import shlex
import sys

DOWNLOADED = "ggml-org/test-model-stories260K"


def main() -> None:
    options = sys.argv[1:]
    if DOWNLOADED in options:
        at = options.index(DOWNLOADED)
        options[at - 1 : at + 1] = ["--model", os.environ["DRUGS_SMALL_MODEL"]]
    options = [option for option in options if option != "--offline"]
    program = shlex.split(os.environ["DRUGS_PROGRAM"])
    os.execv(program[0], [*program, *options])


if __name__ == "__main__":
    main()
