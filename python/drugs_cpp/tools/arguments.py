"""What this package's command lines have in common: types of arguments, messages, exit statuses."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from drugs_cpp.doses.effect import EFFECTS
from drugs_cpp.doses.hold import Hold
from drugs_cpp.doses.seed import check_seed, fresh_seed
from drugs_cpp.doses.sites import SITES
from drugs_cpp.doses.text import read_doses, read_held
from drugs_cpp.engine.inputs import Inputs
from drugs_cpp.errors import DrugsError

BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 2, 130, 141  # exit statuses, as shells and Unix tools use them


class Parser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        complain(self.prog.split()[0] if self.prog.startswith("drugs-") else "drugs_cpp", message)
        raise SystemExit(BAD_INPUT)


def parsed(parser: argparse.ArgumentParser, given: Sequence[str] | None) -> argparse.Namespace:
    """Arguments of a command line; none at all print the help and end the program.

    Args:
        parser: of the program.
        given: None: those that the program was started with.
    """
    given = sys.argv[1:] if given is None else given
    if not given:
        parser.print_help()
        raise SystemExit(0)
    return parser.parse_args(given)


def run_command(name: str, command: Callable[[], None]) -> int:
    """Run a command and return its exit status.

    Args:
        name: of the program, printed before its messages.
        command: what to run.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a model may write what the terminal cannot
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(f"{name}: warning: {message}", file=sys.stderr)
            command()
    except DrugsError as error:
        complain(name, str(error))
        return BAD_INPUT
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # what is left in the buffer would raise again when Python exits
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return PIPE_CLOSED
        complain(name, str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"\n{name}: stopped", file=sys.stderr)
        return INTERRUPTED
    return 0


def complain(name: str, message: str) -> None:
    """Print an error in one line on stderr."""
    print(f"{name}: error: {' '.join(message.split())}", file=sys.stderr)


#: choices of ``--dose-inputs`` -> ``dose_inputs``
INPUTS: dict[str, Inputs] = {"no": False, "last": "last", "all": True}


def add_dose(parser: argparse.ArgumentParser, default: str = "") -> None:
    """Add ``--dose``, which may be repeated; ``default``: the default that the help mentions."""
    parser.add_argument(
        "--dose",
        action="append",
        default=[],
        type=doses,
        metavar="SITE=ANGLE,...",
        help=f"largest angle in radians at sites ({', '.join(SITES)}), such as A=0.3,H=0.1; or {', '.join(EFFECTS)} or "
        "effect=NATS: the angle follows from the effect on the model" + (f" ({default})" if default else ""),
    )


def prompt_text(text: str) -> str:
    """Type of an argument: a prompt that is not empty."""
    try:
        text = os.fsencode(text).decode()  # as UTF-8, whatever the locale
    except UnicodeError as error:
        raise argparse.ArgumentTypeError("the prompt is not valid UTF-8") from error
    if not text.strip():
        raise argparse.ArgumentTypeError("the prompt is empty: give some text to answer or continue")
    return text


def doses(text: str) -> dict[str, Any]:
    """Type of an argument: ``A=0.3,H=0.1``, ``mild`` or ``effect=0.05``."""
    try:
        return read_doses(text)
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def hold(text: str) -> Hold:
    """Type of an argument: ``text``, ``8`` or ``A=text,H=8``."""
    try:
        return read_held(text)
    except DrugsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def seed(text: str) -> int:
    """Type of an argument: a seed; a fresh one for -1."""
    try:
        checked = check_seed(int(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed: give a whole number from 0 to 2**32 - 2, or -1 for a fresh one"
        ) from error
    return fresh_seed() if checked is None else checked


def count(text: str) -> int:
    """Type of an argument: a whole number, 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return number
