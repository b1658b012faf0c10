"""Fuzz one of the Python targets with atheris, which is libFuzzer for Python.

python -m fuzz.guided TARGET [options and folders of libFuzzer]
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    target, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["drugs_cpp"]):
        module = importlib.import_module(f"fuzz.{target}")
    atheris.Setup([sys.argv[0], *options], module.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
