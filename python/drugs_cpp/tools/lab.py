"""The program ``drugs-lab``: measures what noise inside a model does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from drugs_cpp.tools import arguments
from drugs_cpp.tools.lab_ask import add_ask
from drugs_cpp.tools.lab_explore import add_explore
from drugs_cpp.tools.lab_export import add_export
from drugs_cpp.tools.lab_import import add_import
from drugs_cpp.tools.lab_merge import add_merge
from drugs_cpp.tools.lab_sweep import add_sweep
from drugs_cpp.tools.lab_titrate import add_titrate
from drugs_cpp.tools.lab_top import add_top
from drugs_cpp.tools.lab_vergence import add_vergence

_NAME = "drugs-lab"


def main(given: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""

    def run() -> None:
        options = arguments.parsed(_parser(), given)
        options.run(options)

    return arguments.run_command(_NAME, run)


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(prog=_NAME, description="Measure what noise inside a language model does.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add_ask(commands)
    add_sweep(commands)
    add_titrate(commands)
    add_vergence(commands)
    add_top(commands)
    add_export(commands)
    add_import(commands)
    add_merge(commands)
    add_explore(commands)
    return parser
