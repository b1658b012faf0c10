"""Turn patches/ into a git repository with one commit per patch, and back.

python scripts/patches.py checkout DIR   upstream in DIR, the series on top of it as commits
python scripts/patches.py export DIR     those commits, edited, back into patches/
python scripts/patches.py check          whether series, files, headers and upstream agree
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cmake"))

from apply_patches import apply_patch, git_environment, git_program  # noqa: E402
from patch_file import Patch, PatchError, read_patches, read_series  # noqa: E402
from upstream_source import UpstreamError, find_source, llama_cpp_files, read_pin  # noqa: E402

PATCHES = ROOT / "patches"
AUTHOR, EMAIL = "drugs_cpp", "drugs_cpp@localhost"
DATE = "Thu, 1 Jan 2026 00:00:00 +0000"  # fixed, like the author, so that exporting twice gives the same bytes
IDENTITY = {"NAME": AUTHOR, "EMAIL": EMAIL, "DATE": DATE}
HEADER_FIELDS = ("Why: ", "Why not outside: ")
MAX_ADDED, MAX_ADDED_BY_ONE = 367, 80
PROGRAMS = ("app/", "common/", "tools/")  # counted separately: the library does not need them
SERIES_NOTE = "# The patches in the order they apply. Written by scripts/patches.py export.\n"
# Spelled out, so that no setting of the user or default of a newer git changes the files.
DIFF = "diff-tree -p --full-index --no-renames --unified=3 --diff-algorithm=myers --inter-hunk-context=0 "
DIFF += "--src-prefix=a/ --dst-prefix=b/ --no-ext-diff --no-textconv --no-color --no-commit-id"


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
    command = [git_program(), "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false", *arguments]
    result = subprocess.run(command, cwd=folder, env=git_environment(folder) | identity, capture_output=True)
    if result.returncode:
        said = result.stderr.decode("utf-8", "replace").strip()
        raise PatchError(f"git {arguments[0]} failed in {folder}: {said}")
    return result.stdout.decode("utf-8")


def checkout(folder: Path, source: Path, patches: Path | None = PATCHES, only: set[str] | None = None) -> None:
    """Make `folder` a repository: upstream as its first commit (`only` these files, or all), then the series if any."""
    if folder.exists() and any(folder.iterdir()):
        raise PatchError(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with llama_cpp_files(source) as files:
        for path, content, executable in files:
            if only is None or path in only:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o755 if executable else 0o644)
    git(folder, "init", "--quiet", "--initial-branch=patched")
    commit(folder, f"llama.cpp {read_pin().llama_cpp_commit}, unpatched\n")
    if patches is not None:
        for patch in read_patches(patches):
            apply_patch(folder, patches, patch)
            commit(folder, patch.message)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all", "--force")  # upstream's .gitignore lists some of its own files
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", f"--message={message}")


def export(folder: Path, patches: Path = PATCHES) -> list[str]:
    """Write every commit above the first one as a patch, in order; return their names."""
    if git(folder, "status", "--porcelain", "--untracked-files=no"):
        raise PatchError(f"{folder} has changes that are not committed: commit or discard them first")
    if git(folder, "rev-list", "--merges", "HEAD"):
        raise PatchError(f"{folder} has merge commits: rebase them into a line of commits first")
    commits = git(folder, "rev-list", "--reverse", "HEAD").split()[1:]
    written = dict(patch_of(folder, commit) for commit in commits)
    if len(written) < len(commits):
        raise PatchError("two commits have the same subject, so their patches would have the same file name")
    patches.mkdir(parents=True, exist_ok=True)
    for old in set(patches.glob("*.patch")) - {patches / name for name in written}:
        old.unlink()
    for name, text in written.items():
        (patches / name).write_bytes(text.encode("utf-8"))
    (patches / "series").write_bytes((SERIES_NOTE + "".join(f"{name}\n" for name in written)).encode("utf-8"))
    return list(written)


def patch_of(folder: Path, commit: str) -> tuple[str, str]:
    subject, _, body = git(folder, "show", "--no-patch", "--format=%B", commit).strip().partition("\n")
    diff = git(folder, *DIFF.split(), commit)
    if not diff:
        raise PatchError(f"the commit '{subject}' changes nothing: drop it")
    head = f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: {AUTHOR} <{EMAIL}>\nDate: {DATE}\n"
    return file_name(subject), f"{head}Subject: [PATCH] {subject}\n\n{body.strip()}\n---\n\n{diff}"


def file_name(subject: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", subject).strip("-") + ".patch"


def find_problems(patches: Path = PATCHES) -> list[str]:
    """Return what is wrong with the series itself, one line per problem. Upstream is not needed."""
    listed, present = read_series(patches), {path.name for path in patches.glob("*.patch")}
    problems = [f"{name} is listed twice in patches/series" for name in set(listed) if listed.count(name) > 1]
    problems += [f"{name} is in patches/series but not in patches/" for name in listed if name not in present]
    problems += [f"{name} is in patches/ but not in patches/series" for name in sorted(present - set(listed))]
    if problems:
        return problems
    series = read_patches(patches)
    for patch in series:
        problems += problems_of(patch)
    for what, total in added_by_part(series).items():
        if total > MAX_ADDED:
            problems.append(f"the series adds {total} lines to upstream's {what}, at most {MAX_ADDED} are allowed")
    return problems


def added_by_part(series: list[Patch]) -> dict[str, int]:
    """Count the lines that the series adds to upstream's library and to its programs, without tests."""
    totals = {"library": 0, "programs": 0}
    for patch in series:
        for change in patch.changes:
            part = "programs" if change.path.startswith(PROGRAMS) else "library"
            totals[part] += 0 if change.path.startswith("tests/") else len(change.added)
    return totals


def problems_of(patch: Patch) -> list[str]:
    problems = []
    subject = patch.message.splitlines()[0]
    if patch.name != file_name(subject):
        problems.append(f"{patch.name} should be named {file_name(subject)}, after its subject")
    for wanted in HEADER_FIELDS:
        if not re.search(rf"^{wanted}\S", patch.message, re.MULTILINE):
            problems.append(f"{patch.name} has no line '{wanted}...' in its header")
    if patch.n_added > MAX_ADDED_BY_ONE:
        problems.append(f"{patch.name} adds {patch.n_added} lines to upstream, at most {MAX_ADDED_BY_ONE} are allowed")
    for change in patch.changes:
        if any(line != line.rstrip() for line in change.added):
            problems.append(f"{patch.name} adds space at the end of a line of {change.path}")
    return problems


def find_differences(source: Path, patches: Path = PATCHES) -> list[str]:
    """Apply the series to upstream, export it again, and return the names of files that differ."""
    touched = {change.path for patch in read_patches(patches) for change in patch.changes}
    with tempfile.TemporaryDirectory() as folder:
        tree, again = Path(folder, "tree"), Path(folder, "patches")
        checkout(tree, source, patches, touched)
        names = ["series", *export(tree, again)]
        return [name for name in names if (again / name).read_bytes() != (patches / name).read_bytes()]


def check(source: Path) -> list[str]:
    problems = find_problems()
    if not problems:
        again = "exports differently from what is in patches/: run checkout and export"
        problems = [f"{name} {again}" for name in find_differences(source)]
    return problems


def print_sizes() -> None:
    series = read_patches(PATCHES)
    for patch in series:
        print(f"{patch.n_added:4} lines added  {patch.name}")
    print(f"{sum(patch.n_added for patch in series):4} lines added to upstream in all, its tests not counted")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", help="archive or folder to use instead of the download")
    commands = parser.add_subparsers(dest="command", required=True)
    to_commits = commands.add_parser("checkout")
    to_commits.add_argument("folder", type=Path)
    to_commits.add_argument("--unpatched", action="store_true", help="upstream alone, to move the series onto")
    commands.add_parser("export").add_argument("folder", type=Path)
    commands.add_parser("check")
    given = parser.parse_args(arguments)
    if given.command == "checkout":
        checkout(given.folder.resolve(), find_source(given.upstream), None if given.unpatched else PATCHES)
        print(f"edit and commit in {given.folder}, then: python scripts/patches.py export {given.folder}")
    elif given.command == "export":
        names = export(given.folder.resolve())
        print(f"wrote {len(names)} patches and series to {PATCHES}")
    else:
        problems = check(find_source(given.upstream))
        print_sizes()
        if problems:
            raise PatchError("\ndrugs_cpp: error: ".join(problems))


if __name__ == "__main__":
    try:
        main()
    except (PatchError, UpstreamError) as error:
        sys.exit(f"drugs_cpp: error: {error}")
