"""``drugs-lab top``: how a dose changes the probabilities of the most likely next tokens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.text import write_doses
from drugs_cpp.errors import OptionError
from drugs_cpp.tools import arguments
from drugs_cpp.tools.lab_model import add_model, load_model, text_of
from drugs_cpp.tools.terminal import Page
from drugs_cpp.traces.divergence import log_softmax

if TYPE_CHECKING:
    from drugs_cpp.traces.trace import Trace

_WIDTH = 40  # columns of the longest bar


def add_top(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("top", help="show the next token's probabilities, sober and dosed")
    add_model(parser)
    arguments.add_dose(parser)
    parser.add_argument("--seeds", type=arguments.count, default=1, metavar="N", help="average over N seeds (1)")
    parser.add_argument("--seed", type=arguments.seed, default=1, metavar="N", help="first seed (1)")
    parser.add_argument("-k", "--top-k", type=arguments.count, default=10, metavar="N", help="tokens to show (10)")
    parser.add_argument(
        "--dosed", choices=("last", "all"), default="last", help="last: the last token; all: all after the sink (last)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    llm = load_model(options)
    doses = {site: angle for some in options.dose for site, angle in some.items()}
    sober = llm.trace(**text_of(options), drugs=DRUGS(), layers=[0], top_k=options.top_k, dosed=options.dosed)
    if sober.logits is None:
        raise OptionError("this model predicts no tokens: choose another one")
    traces = llm.traces(
        list(sober.tokens),
        n=options.seeds,
        seeds=options.seed,
        drugs=DRUGS(**doses),
        layers=[0],
        top_k=0,
        dosed=options.dosed,
    )
    probs = np.mean([_probs(trace) for trace in traces], axis=0) if doses else _probs(sober)
    page = Page(sys.stdout)
    what = write_doses(DRUGS(**doses).dosage) if doses else "no dose given"
    page.heading(f"… {''.join(sober.pieces[-12:]).partition(' ')[2]}")
    page.note(f"{sober.model}: {what}" + (f", mean of {options.seeds} seeds" if options.seeds > 1 else ""))
    page.lines(
        histogram(
            [token.token for token in sober.top], [token.prob for token in sober.top], probs[[t.id for t in sober.top]]
        )
    )
    likeliest = int(probs.argmax())
    if likeliest != sober.top[0].id:
        name = shown(llm.detokenize([likeliest], special=True).decode(errors="replace"))
        page.note(f"The most likely token is now {name} ({100 * probs[likeliest]:.1f} %).")


def histogram(names: Sequence[str], sober: Sequence[float], dosed: Sequence[float]) -> list[str]:
    """Return a line for each token: its name, a bar whose length is its probability, and both probabilities.

    ``|`` is what both have in common, ``-`` what the dose takes away, ``+`` what it adds.
    """
    width = max(len(shown(name)) for name in names)
    most = max(*sober, *dosed)
    lines = []
    for name, before, after in zip(names, sober, dosed):
        kept, end = (round(_WIDTH * p / most) for p in (min(before, after), max(before, after)))
        bar = "|" * kept + ("+" if after > before else "-") * (end - kept)
        lines.append(f"{shown(name):<{width}}  {bar:<{_WIDTH}}  {100 * before:5.1f} → {100 * after:5.1f} %")
    return lines


def shown(token: str) -> str:
    """Return a token with visible spaces and line breaks."""
    return (
        token.replace(" ", "·").encode("unicode_escape").decode("ascii")
        if not token.isprintable()
        else token.replace(" ", "·")
    )


def _probs(trace: Trace) -> Any:
    assert trace.logits is not None
    return np.exp(log_softmax(trace.logits[-1]))
