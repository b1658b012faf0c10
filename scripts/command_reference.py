#!/usr/bin/env python3
"""Write docs/reference/commands.md from what the commands print under ``--help``.

python scripts/command_reference.py             writes the page
python scripts/command_reference.py --print     prints it
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "commands.md"

#: width of a line in columns
WIDTH = "100"

_ABOUT = """\
# Commands

What each command prints under `--help`. Written by `python scripts/command_reference.py`.

`drugs chat`, `serve`, `completion`, `perplexity` and `bench` have all options of llama.cpp's programs as well. Here are
those for doses.
"""


def main() -> None:
    if "--print" in sys.argv:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page as Markdown."""
    parts = [_ABOUT, section("drugs: doses", doses_of(said("drugs", "completion", "--help")))]
    parts += [section("drugs-lab", lab := said("drugs-lab", "--help"))]
    parts += [section(f"drugs-lab {name}", said("drugs-lab", name, "--help")) for name in commands_of(lab)]
    parts += [section("python -m drugs_cpp demo", said("python", "-m", "drugs_cpp", "demo", "--help"))]
    return "\n".join(parts)


def section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.strip()}\n```\n"


def said(program: str, *arguments: str) -> str:
    """Return what a command prints; programs are taken from the folder of the running interpreter."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = {**os.environ, "COLUMNS": WIDTH, "PYTHON_COLORS": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def commands_of(text: str) -> Iterator[str]:
    """Yield the names of the commands that a help lists, in order."""
    for line in text.split("positional arguments:")[1].split("\n\n")[0].splitlines():
        found = re.match(r"    (\S+)", line)
        if found:
            yield found[1]


def doses_of(text: str) -> str:
    """Return only the options for doses from those of a program of llama.cpp."""
    options = re.split(r"\n(?=-)", text)
    return "\n".join(
        option.rstrip() for option in options if re.match(r"--(dose|sober|repeatable|no-repeatable)", option)
    )


if __name__ == "__main__":
    main()
