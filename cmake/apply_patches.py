"""Apply patches with `git apply`, exactly: no fuzz, no offset, and afterwards each hunk is checked to be in place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from patch_file import FileChange, Patch, PatchError, read_patches

OFFSET = re.compile(r"Hunk #(\d+) succeeded at (\d+) \(offset (-?\d+) lines?\)")
CHECKING = re.compile(r"Checking patch (.+)\.\.\.")
FAILED_AT = re.compile(r"error: patch failed: (.+):(\d+)")


def git_environment(tree: Path) -> dict[str, str]:
    """Isolate git from what is around `tree`.

    Inside another repository, `git apply` would take that one for its own, skip every patch and report success.
    A user's settings (line endings, white space) must not change what a patch does either.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | {
        "GIT_CEILING_DIRECTORIES": str(tree.resolve().parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }


def git_program() -> str:
    git = shutil.which("git")
    if git is None:
        raise PatchError("git is needed to apply the patches and was not found: install git")
    return git


def apply_series(tree: Path, folder: Path) -> list[Patch]:
    """Apply all patches of `folder`/series to `tree`, in order."""
    patches = read_patches(folder)
    for patch in patches:
        apply_patch(tree, folder, patch)
    return patches


def apply_patch(tree: Path, folder: Path, patch: Patch) -> None:
    command = [git_program(), "apply", "--verbose", "--whitespace=nowarn", str((folder / patch.name).resolve())]
    result = subprocess.run(
        command, cwd=tree.resolve(), env=git_environment(tree), capture_output=True, encoding="utf-8", errors="replace"
    )
    if result.returncode:
        raise PatchError(why_it_failed(patch, result.stderr))
    refuse_offsets(patch, result.stderr)
    for change in patch.changes:
        check_is_applied(tree, patch, change)


def why_it_failed(patch: Patch, said: str) -> str:
    failed = FAILED_AT.search(said)
    if failed is None:
        reason = next((line for line in said.splitlines() if line.startswith("error: ")), "error: git apply failed")
        return f"{patch.name} does not apply: {reason[len('error: ') :]}"
    path, line = failed[1], int(failed[2])
    change = next((change for change in patch.changes if change.path == path), FileChange(path))
    return f"{patch.name} does not apply: hunk {change.hunk_at(line) or '?'} at {path}:{line} does not match upstream"


def refuse_offsets(patch: Patch, said: str) -> None:
    path = "?"
    for line in said.splitlines():
        if checking := CHECKING.match(line):
            path = checking[1]
        if offset := OFFSET.match(line):
            raise PatchError(
                f"{patch.name} applies only with an offset: hunk {offset[1]} at {path}:{offset[2]} "
                f"is off by {offset[3]}; export the series again (docs/patches.md)"
            )


def check_is_applied(tree: Path, patch: Patch, change: FileChange) -> None:
    """Check that every hunk's lines are in place: git may skip a patch and still report success."""
    path = tree / change.path
    if change.is_deleted:
        if path.exists():
            raise PatchError(f"{patch.name} was skipped: {change.path} still exists")
        return
    lines = path.read_bytes().decode("utf-8").split("\n") if path.is_file() else []
    for hunk in change.hunks:
        start = hunk.new_start - 1 if hunk.new else hunk.new_start
        if lines[start : start + len(hunk.new)] != hunk.new:
            raise PatchError(
                f"{patch.name} was skipped or misplaced: hunk {hunk.number} is not at {change.path}:{hunk.new_start}"
            )
