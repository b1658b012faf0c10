"""``drugs-lab merge``: merges results files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.progress import Progress
from drugs_cpp.study.sweep_merge import merge
from drugs_cpp.tools.time_left import bar

if TYPE_CHECKING:
    from drugs_cpp.study.sweep_merge import Merged


def add_merge(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("merge", help="merge results files, such as those of several machines")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="FILE", help="results of sweeps or studies")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="where they go; existing results stay"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    with Progress("reading the files") as progress:

        def tell(n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, "texts"))

        merged = merge(options.inputs, options.output, tell)
    for some in merged:
        print(_said(some))
    print(options.output)


def _said(some: Merged) -> str:
    there = some.n_texts - some.n_new
    said = f"{some.path}: {some.n_texts:,} texts, {some.n_new:,} of them new"
    if there:
        said += f", {there:,} there already"
    if some.n_others:
        said += f" ({some.n_others:,} of these with other words; the first ones stay)"
    return said + (f"; {some.n_runs:,} new runs of vergence" if some.n_runs else "")
