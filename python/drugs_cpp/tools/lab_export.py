"""``drugs-lab export``: writes the texts of a sweep as a table or as a folder of Markdown files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from drugs_cpp.errors import OptionError
from drugs_cpp.progress import Progress
from drugs_cpp.study.embeddings import Embedder
from drugs_cpp.study.sweep_export import check_export, export, is_folder
from drugs_cpp.tools.time_left import bar


def add_export(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("export", help="write the texts of a sweep as a table or a folder of Markdown files")
    parser.add_argument("store", type=Path, help="results of a sweep")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="depending on its suffix, a table (.csv, .jsonl, .parquet); without a suffix, or with / at its end, a "
        "folder in the format of the reference project's samples",
    )
    add_embedding(parser)
    parser.set_defaults(run=_run)


def add_embedding(parser: argparse.ArgumentParser) -> None:
    """Add ``--embedding``."""
    parser.add_argument(
        "--embedding",
        metavar="NAME",
        help="a model of sentence-transformers, or a folder with one, to measure how different texts are (by default, "
        "hidden states of the model itself are used)",
    )


def _run(options: argparse.Namespace) -> None:
    check_export(options.output)
    if options.embedding is not None and is_folder(options.output):
        raise OptionError(f"{options.output} is a folder, which has no measures: leave --embedding out")
    with Progress(f"reading {options.store}") as progress:

        def tell(what: str, n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, what))

        embedder = None if options.embedding is None else Embedder(options.embedding)
        n_texts = export(options.store, options.output, embedder, tell)
    print(f"{options.output}: {n_texts:,} texts")
