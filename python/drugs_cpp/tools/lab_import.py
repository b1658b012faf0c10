"""``drugs-lab import-samples``: imports the reference project's folder of texts into a store of sweeps."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from drugs_cpp.progress import Progress
from drugs_cpp.study.sample_folder import import_samples, read_folder
from drugs_cpp.study.sweep_run import open_sweep
from drugs_cpp.tools.time_left import bar


def add_import(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "import-samples", help="import a folder in the format of the reference project's samples into a store of sweeps"
    )
    parser.add_argument("folder", type=Path, help="such as EGjoni/DRUGS/sample_generations, or a subfolder")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="store, created if it does not exist"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    with Progress(f"reading {options.folder}") as progress:

        def tell(n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, "files"))

        folder = read_folder(options.folder, tell)
        progress.show(f"writing {options.output}")
        with open_sweep(options.output) as results:
            imported = import_samples(folder, results)
    print(f"{len(folder.files):,} files with {folder.n_texts:,} texts were read.")
    print(f"{imported.n_new:,} texts were added to {options.output}; {imported.n_there:,} already existed.")
    if imported.n_others:
        print(f"{imported.n_others:,} were not added: there were other texts with the same seeds, which stay.")
    for path in folder.empty:
        print(f"no text: {path.relative_to(Path(options.folder).resolve())}")
    for path, why in folder.skipped:
        print(f"skipped: {path}: {why}")
