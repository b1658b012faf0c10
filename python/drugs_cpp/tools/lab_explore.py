"""``drugs-lab explore``: a site on which the texts of a sweep are compared."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drugs_cpp.progress import Progress
from drugs_cpp.study.embeddings import Embedder
from drugs_cpp.study.explorer_server import DEFAULT_PORT, serve
from drugs_cpp.study.explorer_site import write_site
from drugs_cpp.study.sweep_site import site_data
from drugs_cpp.tools.lab_export import add_embedding
from drugs_cpp.tools.time_left import bar


def add_explore(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("explore", help="compare the texts of a sweep in a browser")
    parser.add_argument("store", type=Path, metavar="results.db", help="where the sweep's results are")
    parser.add_argument(
        "--export", type=Path, metavar="FOLDER", help="write a site, to be opened from disk or put on a server"
    )
    parser.add_argument("--port", type=_port, metavar="N", help=f"port to listen on ({DEFAULT_PORT}); 0: a free one")
    add_embedding(parser)
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    embedder = None if options.embedding is None else Embedder(options.embedding)
    with Progress(f"reading {options.store}") as progress:

        def tell(n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, "cells measured"))

        data = site_data(options.store, embedder, tell)
    if options.export is None:
        serve(data, port=DEFAULT_PORT if options.port is None else options.port, listener=_announcer(options.open))
        return
    with Progress(f"writing {options.export}"):
        write_site(data, options.export)
    page = options.export / "index.html"
    n_texts = sum(len(block.texts) for block in data.blocks)
    print(f"{page}: {n_texts:,} texts")
    if options.open:
        webbrowser.open(page.absolute().as_uri())


def _announcer(is_opened: bool) -> Callable[[str], None]:
    def announce(address: str) -> None:
        print(f"The explorer is at {address} (Ctrl-C ends it)", flush=True)
        if is_opened:
            webbrowser.open(address)

    return announce


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a whole number from 0 to 65535")
    return port
