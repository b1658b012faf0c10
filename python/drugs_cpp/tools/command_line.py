"""The command line of ``python -m drugs_cpp``."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from drugs_cpp.doses.hold import Hold
from drugs_cpp.doses.kinds import ISOTROPIC, NOISES
from drugs_cpp.doses.seed import check_seed, fresh_seed
from drugs_cpp.doses.sites import SITES
from drugs_cpp.doses.text import read_doses, read_held
from drugs_cpp.errors import DrugsError
from drugs_cpp.tools.demo import DEFAULT_PROMPT, DEFAULT_TOKENS, DemoSettings, run_demo

_NAME = "drugs_cpp"

_BAD_INPUT, _INTERRUPTED, _PIPE_CLOSED = 2, 130, 141  # exit statuses, as shells and Unix tools use them


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _complain(message)
        raise SystemExit(_BAD_INPUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a model may write what the terminal cannot
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            run_demo(_settings(_parser().parse_args(arguments)))
    except DrugsError as error:
        _complain(str(error))
        return _BAD_INPUT
    except KeyboardInterrupt:
        print(f"\n{_NAME}: stopped", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # what is left in the buffer would complain again when Python exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return 0


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"{_NAME}: warning: {message}", file=sys.stderr)


def _complain(message: str) -> None:
    print(f"{_NAME}: error: {' '.join(message.split())}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=f"python -m {_NAME}")
    demo = parser.add_subparsers(dest="command", required=True, metavar="demo").add_parser(
        "demo", help="show a sober text and dosed ones beside it"
    )
    demo.add_argument("-m", "--model", metavar="FILE", help="a GGUF model; without it the default one")
    demo.add_argument("-p", "--prompt", type=_text, default=DEFAULT_PROMPT, help="default: %(default)r")
    demo.add_argument(
        "--dose",
        action="append",
        default=[],
        type=_dose,
        metavar="SITE=ANGLE,...",
        help=f"largest angle in radians at sites ({', '.join(SITES)}), such as A=0.3,H=0.1",
    )
    demo.add_argument("--noise", choices=NOISES, default=ISOTROPIC, help="how directions are drawn (%(default)s)")
    demo.add_argument(
        "--hold",
        type=_hold,
        metavar="N|text|SITE=N,...",
        help="tokens for which a turn stays, or the whole text, such as text or A=text,H=8 (1)",
    )
    demo.add_argument("--seed", action="append", default=[], type=_seed, metavar="N", help="once for each text")
    demo.add_argument("-n", "--tokens", default=DEFAULT_TOKENS, type=_count, help="tokens a text (%(default)s)")
    demo.add_argument("-t", "--threads", type=_count, help="threads to compute with")
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


def _text(text: str) -> str:
    try:
        text = os.fsencode(text).decode()  # as UTF-8, whatever the locale
    except UnicodeError as error:
        raise argparse.ArgumentTypeError("the prompt is not valid UTF-8") from error
    if not text.strip():
        raise argparse.ArgumentTypeError("the prompt is empty: give some text to answer or continue")
    return text


def _dose(text: str) -> dict[str, float]:
    try:
        return read_doses(text)
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _hold(text: str) -> Hold:
    try:
        return read_held(text)
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seed(text: str) -> int:
    try:
        seed = check_seed(int(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed: give a whole number from 0 to 2**32 - 2, or -1 for a fresh one"
        ) from error
    return fresh_seed() if seed is None else seed


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return count
