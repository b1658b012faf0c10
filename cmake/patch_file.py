"""Read a patch file: its header, the files it touches, its hunks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
SUBJECT = "Subject: "


class PatchError(Exception):
    """A patch is malformed or does not apply. The text is one line for the user, naming patch and hunk."""


@dataclass
class Hunk:
    """One run of changed lines; `old` and `new` are the run with its context, before and after."""

    number: int
    old_start: int
    new_start: int
    n_old: int
    n_new: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return len(self.old) >= self.n_old and len(self.new) >= self.n_new

    def take(self, line: str) -> None:
        text = line[1:]
        if line[:1] in (" ", "-", ""):
            self.old.append(text)
        if line[:1] in (" ", "+", ""):
            self.new.append(text)
        if line[:1] == "+":
            self.added.append(text)


@dataclass
class FileChange:
    """All hunks of one patch in one file, numbered from 1."""

    path: str
    is_deleted: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    def hunk_at(self, old_start: int) -> int | None:
        return next((hunk.number for hunk in self.hunks if hunk.old_start == old_start), None)

    @property
    def added(self) -> list[str]:
        return [line for hunk in self.hunks for line in hunk.added]


@dataclass
class Patch:
    """A patch file: the commit message it was made from, and what it changes."""

    name: str
    message: str
    changes: list[FileChange]

    @property
    def n_added(self) -> int:
        """Lines added to upstream, not counting upstream's tests."""
        return sum(len(change.added) for change in self.changes if not change.path.startswith("tests/"))


def read_series(folder: Path) -> list[str]:
    """Return the names of the patches in the order they apply; lines starting with # are comments."""
    lines = (folder / "series").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def read_patches(folder: Path) -> list[Patch]:
    patches = []
    for name in read_series(folder):
        path = folder / name
        if not path.is_file():
            raise PatchError(f"patches/series names {name}, which is not in {folder}")
        patches.append(parse_patch(name, path.read_bytes().decode("utf-8")))
    return patches


def parse_patch(name: str, text: str) -> Patch:
    head, mark, body = text.partition("\ndiff --git ")
    if not mark:
        raise PatchError(f"{name} holds no change (no line starts with 'diff --git ')")
    changes = [parse_change(name, part) for part in re.split(r"^diff --git ", body, flags=re.MULTILINE)]
    return Patch(name, parse_message(head), changes)


def parse_message(head: str) -> str:
    """Return the commit message: the subject, then what follows the mail header, up to the line '---'."""
    mail_header, _, body = head.partition("\n\n")
    subject = next((line for line in mail_header.splitlines() if line.startswith(SUBJECT)), SUBJECT)
    body = body.partition("\n---")[0].strip("\n")
    return re.sub(r"^\[PATCH\] ", "", subject[len(SUBJECT) :]) + "\n\n" + body + "\n"


def parse_change(name: str, text: str) -> FileChange:
    lines = text.split("\n")
    paths = re.fullmatch(r"a/(.+) b/(.+)", lines[0])
    if paths is None or paths[1] != paths[2]:
        raise PatchError(f"{name} renames a file, or its paths lack a/ and b/: diff --git {lines[0]}")
    change = FileChange(paths[1])
    for line in lines[1:]:
        start = HUNK.match(line)
        if change.hunks and not change.hunks[-1].is_complete:
            if not line.startswith("\\"):  # "\ No newline at end of file"
                change.hunks[-1].take(line)
        elif start:
            old_start, n_old, new_start, n_new = (1 if group is None else int(group) for group in start.groups())
            change.hunks.append(Hunk(len(change.hunks) + 1, old_start, new_start, n_old, n_new))
        elif line.startswith("GIT binary patch"):
            raise PatchError(f"{name} changes the binary file {change.path}: only text can be patched")
        elif line.startswith("deleted file mode"):
            change.is_deleted = True
    if not change.hunks:
        raise PatchError(f"{name} changes no line of {change.path}")
    return change
