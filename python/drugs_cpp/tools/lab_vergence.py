"""``drugs-lab vergence``: shows how far noise at each site and depth carries, as a page and as pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.errors import OptionError
from drugs_cpp.progress import Progress
from drugs_cpp.study import save, stored_vergence, vergence
from drugs_cpp.study.grid import DEFAULT_ANGLES, DEFAULT_SEEDS, DEFAULT_SITES, FIRST_ANGLE, WINDOWS
from drugs_cpp.study.save import check_output
from drugs_cpp.study.vergence_claims import claims
from drugs_cpp.tools import arguments
from drugs_cpp.tools.grids import angles, names, sites
from drugs_cpp.tools.lab_model import add_model, load_model, text_of
from drugs_cpp.tools.time_left import bar

if TYPE_CHECKING:
    from drugs_cpp.study import Vergence


def add_vergence(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "vergence", help="show how far noise at each site and depth carries: a page, pictures, an animation"
    )
    add_model(parser)
    parser.add_argument("--sites", type=sites, metavar="S,...", help="sites to dose, one at a time (H,Q,K,V,A)")
    parser.add_argument(
        "--windows",
        type=_windows,
        metavar="W,...",
        help="near: each layer with its neighbours; up-to: all layers up to each one (both)",
    )
    parser.add_argument(
        "--angles", type=angles, metavar="FROM:TO:N", help="radians, or a list such as 0.1,0.3,0.7 (0.14:3.08:22)"
    )
    parser.add_argument("--seeds", type=arguments.count, metavar="N", help="seeds 1 to N (4)")
    parser.add_argument("--dosed", choices=("last", "all"), help="last: the last token; all: all after the sink (last)")
    parser.add_argument("--store", type=Path, default=Path("vergence.db"), help="where results are kept (%(default)s)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="depending on its suffix, a page (.html), a picture (.png, .svg, .pdf), an animation (.gif, .mp4) or a "
        "table (.parquet); may be repeated (vergence.html)",
    )
    parser.add_argument(
        "--angle", type=float, default=FIRST_ANGLE, metavar="RADIANS", help="angle shown in pictures (%(default)s)"
    )
    parser.add_argument("--replot", action="store_true", help="only write the files, from the last study in the store")
    parser.add_argument("--parallel", type=arguments.count, metavar="N", help="runs computed at a time (32)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    outputs = [check_output(path) for path in options.output or ["vergence.html"]]
    if options.replot:
        _check_replot(options)
    result = stored_vergence(options.store) if options.replot else _compute(options)
    for path in outputs:
        with Progress(f"writing {path}"):
            save(result, path, options.angle)
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    for line in claims(result, options.angle):
        print(line)


#: options that an existing study already determines
_OF_A_STUDY = ("prompt", "model", "sites", "windows", "angles", "seeds", "dosed", "chat")


def _check_replot(options: argparse.Namespace) -> None:
    given = [name for name in _OF_A_STUDY if getattr(options, name)]
    if given:
        names = ", ".join(name if name == "prompt" else f"--{name}" for name in given)
        raise OptionError(f"--replot draws the last study in the store, and takes no {names}")


def _compute(options: argparse.Namespace) -> Vergence:
    llm = load_model(options)
    with Progress("computing the prompt") as progress:

        def tell(n_done: int, n_all: int, seconds: float) -> None:
            progress.show(bar(n_done, n_all, seconds, "runs"))

        try:
            return vergence(
                llm,
                **text_of(options),
                sites=options.sites or DEFAULT_SITES,
                windows=options.windows or WINDOWS,
                angles=options.angles or DEFAULT_ANGLES,
                seeds=options.seeds or DEFAULT_SEEDS,
                dosed=options.dosed or "last",
                store=options.store,
                n_parallel=options.parallel,
                progress=tell,
            )
        except KeyboardInterrupt:
            progress.hide()
            print(f"What was computed is in {options.store}; the same command continues from there.", file=sys.stderr)
            raise


def _windows(text: str) -> list[str]:
    return names(text, WINDOWS)
