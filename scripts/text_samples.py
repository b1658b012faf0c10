#!/usr/bin/env python3
"""Print the samples in README and docs again: each block after the comment ``MARKER``, by its own commands.

python scripts/text_samples.py                     writes them into their pages, with the name of this processor
python scripts/text_samples.py docs/program.md     those of a page

Commands run in a folder where ``docs`` is that of this repository; `python`, `drugs` and the others are those beside
the running interpreter. In a chat, lines that begin with ``> `` are typed. In an unnamed block, what the page's
examples in Python print up to there follows. A processor that is not the one that a page names can print other texts.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drugs_cpp.study.machine import cpu_name
from served_sample import Served

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

MARKER = "<!-- printed by scripts/text_samples.py -->"

#: width of a line in columns
WIDTH = 118

_SAMPLE = re.compile(
    rf"{re.escape(MARKER)}\n\n```(?P<language>\w*)\n(?P<text>.*?)```\n\nPrinted on an? (?P<processor>[^.]+)\.",
    re.DOTALL,
)

#: what differs from run to run
_SPEED = re.compile(r"[\d.]+ t/s")

#: what the pages leave out of an answer of the server
_LEFT_OUT = {"id", "object", "created", "model", "system_fingerprint", "usage", "timings"}


@dataclass(frozen=True)
class Command:
    """A command of a console, with what it printed."""

    line: str
    printed: str


@dataclass(frozen=True)
class Sample:
    page: Path
    language: str
    text: str
    #: what the page names
    processor: str

    @property
    def commands(self) -> list[Command]:
        """The commands in a console; none in a block that Python printed."""
        return list(_commands(self.text.splitlines())) if self.language == "console" else []

    def again(self) -> str:
        """Run it, and return the block as it is now."""
        if self.language == "console":
            return _console(self.commands)
        return _folded(_python(self.page, self.text), "  ")


def samples(page: Path) -> list[Sample]:
    """Return the samples of a page, in order."""
    found = _SAMPLE.finditer(page.read_text(encoding="utf-8"))
    return [Sample(page, one["language"], one["text"], one["processor"]) for one in found]


def same(one: str, other: str) -> bool:
    """Whether two blocks are the same, up to speeds."""
    return _SPEED.sub("", one) == _SPEED.sub("", other)


def processor() -> str:
    """Return the maker and family of the processor, and whether this build uses AVX-512."""
    import llama_cpp  # after drugs_cpp, which has the libraries

    instructions = llama_cpp.llama_print_system_info().decode()
    name = re.sub(r"\((R|TM)\)|\bCPU\b.*| @.*|\d+-Core.*", "", cpu_name()).replace(".", "")
    return " ".join(name.split()) + (" with AVX-512" if "AVX512 = 1" in instructions else "")


def shell(line: str, folder: Path | str, typed: str = "") -> str:
    """Return what a command prints to its standard output.

    Raises:
        CalledProcessError: it failed.
    """
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=_environment(folder),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    done.check_returncode()
    return done.stdout


def workplace() -> tempfile.TemporaryDirectory[str]:
    """Return an empty folder for the commands, in which ``docs`` leads to the pages."""
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "docs").symlink_to(ROOT / "docs")
    return folder


def _environment(folder: Path | str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **os.environ,
        "PATH": path,
        "COLUMNS": str(WIDTH),
        "PYTHONIOENCODING": "utf-8",
        "LLM_USER_PATH": str(folder),
    }


def _commands(lines: list[str]) -> Iterator[Command]:
    """Divide the lines of a console into commands; one goes on after a backslash, a pipe and in an open quote."""
    rest = lines
    while rest:
        assert rest[0].startswith("$ "), rest[0]
        length = next(n for n in range(1, len(rest) + 1) if _is_complete("\n".join(rest[:n])))
        end = next((n for n in range(length, len(rest)) if rest[n].startswith("$ ")), len(rest))
        yield Command("\n".join(rest[:length])[2:], "\n".join(rest[length:end]).strip("\n"))
        rest = rest[end:]


def _is_complete(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:  # an open quote
        return False
    return not line.endswith(("\\", "|"))


def _console(commands: list[Command]) -> str:
    """Run the commands of a console; a server that one of them starts answers the others."""
    parts: list[str] = []
    with workplace() as folder, Served(_environment(folder)) as served:
        for command in commands:
            if command.line.startswith("drugs serve"):
                served.start(command.line)
                printed = ""
            elif command.line.startswith("drugs chat"):
                printed = _chat(command, folder)
            elif command.line.startswith("curl"):
                printed = _shortened(shell(served.reached(command.line), folder))
            else:
                printed = _folded(shell(command.line, folder), "")
            ends = printed and command is not commands[-1]
            parts.append(f"$ {command.line}\n{printed}" + ("\n" if ends else ""))
    return "".join(parts)


def _chat(command: Command, folder: str) -> str:
    """What a chat shows: its last line, the end, is left out, and so is the line that says that it loads."""
    typed = re.findall(r"^> (.*)", command.printed, flags=re.MULTILINE)
    shown = shell(command.line, folder, "\n".join([*typed, "/exit", ""]))
    shown = _visible(shown).partition("Loading model...")[2].partition("> /exit")[0]
    lines = [line.rstrip() for line in shown.strip().splitlines()]
    return "\n" + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _visible(text: str) -> str:
    """Text without what backspaces delete."""
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def _python(page: Path, printed: str) -> str:
    """What the last of the examples before a block prints; those before it run first."""
    before = page.read_text(encoding="utf-8").partition(f"```\n{printed}```")[0]
    *others, last = re.findall(r"```python\n(.*?)```", before, flags=re.DOTALL)
    mark = "\n--- the example\n"
    code = "\n".join([*others, f"print({mark!r}, end='', flush=True)", last])
    with workplace() as folder:
        return shell(shlex.join(["python", "-c", code]), folder).partition(mark)[2]


def _folded(text: str, indent: str) -> str:
    """Break long lines; those that follow begin with ``indent``."""
    lines = [
        textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False)
        if len(line) > WIDTH
        else line.rstrip()
        for line in text.strip().splitlines()
    ]
    return "\n".join(lines) + "\n" if lines else ""


def _shortened(answer: str) -> str:
    """The JSON of an answer, without what tells a reader nothing: a … stands for it."""
    value = json.loads(answer)
    kept = {name: item for name, item in value.items() if name not in _LEFT_OUT}
    return _json({**kept, **({"…": None} if len(kept) < len(value) else {})}) + "\n"


def _json(value: Any, indent: int = 0) -> str:
    """JSON on as few lines as fit, and long lists as a …."""
    if isinstance(value, list) and len(value) > 8:
        return "[…]"
    if not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        items = [_json(item, indent + 1) for item in value]
    else:
        items = [
            "…" if name == "…" else f'"{name}":{_json(item, indent + len(name) + 4)}' for name, item in value.items()
        ]
    lines = [""]
    for item in items:
        if lines[-1] and indent + len(lines[-1] + item) > WIDTH - 3:
            lines.append("")
        lines[-1] += ("," if lines[-1] else "") + item
    begin, end = "[]" if isinstance(value, list) else "{}"
    return begin + (",\n" + " " * (indent + 1)).join(lines) + end


def renew(page: Path) -> None:
    """Write the samples of a page again; one that differs in nothing except speeds stays."""
    text = page.read_text(encoding="utf-8")
    for sample in samples(page):
        again = sample.again()
        block = sample.text if same(again, sample.text) else again
        name = processor()
        old = f"```{sample.language}\n{sample.text}```\n\nPrinted on {_article(sample.processor)} {sample.processor}."
        assert old in text
        text = text.replace(old, f"```{sample.language}\n{block}```\n\nPrinted on {_article(name)} {name}.")
        print(f"{page.relative_to(ROOT)}: {'the same' if block == sample.text else 'printed again'}")
    page.write_text(text, encoding="utf-8")


def _article(name: str) -> str:
    return "an" if name[0] in "AEIO" else "a"


if __name__ == "__main__":
    for chosen in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        renew(chosen)
