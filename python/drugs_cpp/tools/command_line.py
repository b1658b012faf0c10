"""The command line of ``python -m drugs_cpp``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from drugs_cpp.doses.kinds import ISOTROPIC, NOISES
from drugs_cpp.tools import arguments
from drugs_cpp.tools.demo import DEFAULT_PROMPT, DEFAULT_TOKENS, DemoSettings, run_demo

_NAME = "drugs_cpp"

#: commands of the program that people look for here
_PROGRAMS = ("chat", "completion", "serve", "bench", "perplexity")


def main(given: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; without arguments it prints its help."""
    if given is None:
        given = sys.argv[1:]
    if given and given[0] in _PROGRAMS:
        arguments.complain(_NAME, f"{given[0]} is a command of the program drugs: run `drugs {shlex.join(given)}`")
        return arguments.BAD_INPUT
    return arguments.run_command(_NAME, lambda: run_demo(_settings(arguments.parsed(_parser(), given))))


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(prog=f"python -m {_NAME}")
    demo = parser.add_subparsers(dest="command", required=True, metavar="demo").add_parser(
        "demo", help="show a sober text and dosed ones to compare with it"
    )
    demo.add_argument("-m", "--model", metavar="FILE", help="a GGUF model (the default model)")
    demo.add_argument("-p", "--prompt", type=arguments.prompt_text, default=DEFAULT_PROMPT, help="default: %(default)r")
    arguments.add_dose(demo)
    demo.add_argument("--noise", choices=NOISES, default=ISOTROPIC, help="how directions are drawn (%(default)s)")
    demo.add_argument(
        "--hold",
        type=arguments.hold,
        metavar="N|text|SITE=N,...",
        help="for how many tokens a turn stays the same, or the whole text, such as text or A=text,H=8 (1)",
    )
    demo.add_argument(
        "--seed", action="append", default=[], type=arguments.seed, metavar="N", help="seed of a text; may be repeated"
    )
    demo.add_argument(
        "-n", "--tokens", default=DEFAULT_TOKENS, type=arguments.count, help="tokens per text (%(default)s)"
    )
    demo.add_argument("-t", "--threads", type=arguments.count, help="threads to compute with")
    demo.add_argument("--raw", action="store_true", help="continue the prompt without the model's chat template")
    return parser


def _settings(options: argparse.Namespace) -> DemoSettings:
    return DemoSettings(
        model=options.model,
        prompt=options.prompt,
        doses={site: angle for doses in options.dose for site, angle in doses.items()},
        noise=options.noise,
        hold=options.hold,
        seeds=tuple(options.seed),
        n_tokens=options.tokens,
        n_threads=options.threads,
        raw=options.raw,
    )
