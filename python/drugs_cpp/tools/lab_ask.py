"""``drugs-lab ask``: an answer, and how sure it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.model.uncertainty import KINDS
from drugs_cpp.model.uncertainty_methods import usual_doses
from drugs_cpp.progress import Progress
from drugs_cpp.tools import arguments
from drugs_cpp.tools.lab_model import add_file, load_file
from drugs_cpp.tools.terminal import Page

if TYPE_CHECKING:
    from drugs_cpp.model.uncertainty import Uncertainty

#: columns of the longest bar
_WIDTH = 24

#: characters of an answer that a line shows
_SHOWN = 60


def add_ask(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("ask", help="an answer, and how sure it is: how far dosed answers agree with it")
    parser.add_argument("question", type=arguments.prompt_text, help="what to ask")
    add_file(parser)
    parser.add_argument("-n", type=arguments.count, default=10, metavar="N", help="dosed answers (%(default)s)")
    arguments.add_dose(parser, "medium at M, late and held")
    parser.add_argument(
        "--dose-profile", type=Path, metavar="FILE", help="a file of doses; --dose overrides what it says"
    )
    parser.add_argument(
        "--dose-inputs",
        choices=tuple(arguments.INPUTS),
        default="last",
        help="dose the prompt as well: its last position, or all of it (%(default)s)",
    )
    parser.add_argument("--temperature", type=float, default=0.0, help="of the dosed answers (%(default)s)")
    parser.add_argument("--seed", type=arguments.seed, default=-1, metavar="N", help="of the first one (a fresh one)")
    parser.add_argument("--kind", choices=KINDS, default="auto", help="what of a text is its answer (%(default)s)")
    parser.add_argument("--raw", action="store_true", help="continue the text as it is, without a chat template")
    parser.add_argument(
        "--max-tokens", type=arguments.count, default=256, metavar="N", help="of an answer (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    found = _ask(options)
    if options.json:
        print(json.dumps({"text": found.text, **found.to_dict()}, ensure_ascii=False, indent=2))
        return
    page = Page(sys.stdout)
    page.lines(found.text.splitlines())
    n = len(found.texts)
    page.note(
        f"{100 * found.score:.0f} % sure: {round(n * found.agreement)} of {n} answers under {found.doses} say the same"
    )
    page.lines(histogram(found))


def _ask(options: argparse.Namespace) -> Uncertainty:
    drugs = _drugs(options)
    llm = load_file(options)
    with Progress("titrating, once for each file") as progress:
        if drugs.effect is not None:
            llm.titrate(drugs=drugs)
        progress.show(f"{options.n + 1} answers")
        return llm.uncertainty(
            None if options.raw else options.question,
            options.n,
            drugs,
            prompt=options.question if options.raw else None,
            temperature=options.temperature,
            seed=options.seed,
            max_tokens=options.max_tokens,
            kind=options.kind,
            dose_inputs=arguments.INPUTS[options.dose_inputs],
        )


def _drugs(options: argparse.Namespace) -> DRUGS:
    doses = {name: dose for some in options.dose for name, dose in some.items()}
    if options.dose_profile is not None:
        return DRUGS({**DRUGS.load(options.dose_profile).to_dict(), **doses})
    return DRUGS(**doses) if doses else usual_doses()


def histogram(found: Uncertainty) -> list[str]:
    """A line for each answer that was given: how often, a bar, the answer, and whether it is the sober one."""
    lines = []
    for one in found.answers:
        if one.n == 0:
            continue
        bar = "#" * round(_WIDTH * one.n / len(found.texts))
        shown = one.answer if len(one.answer) <= _SHOWN else f"{one.answer[: _SHOWN - 1]}…"
        sober = "  (the sober answer)" if one.is_sober else ""
        lines.append(f"{one.n:>4}  {bar:<{_WIDTH}}  {shown or 'no answer'}{sober}")
    return lines
