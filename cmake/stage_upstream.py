"""Put the part of llama.cpp that the build reads into a folder and patch it. CMake runs this at configure time.

A second run does nothing. After a change of the pin or the patches, only files whose content changes are written,
so that only what depends on them is compiled again.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from apply_patches import apply_series
from patch_file import PatchError, read_patches
from upstream_source import PIN_FILE, UpstreamError, find_source, llama_cpp_files, llama_cpp_folder

# Everything that upstream's CMakeLists.txt reads for the libraries, the programs, and those of
# upstream's tests that are run here.
LIBRARIES = ("CMakeLists.txt", "LICENSE", "cmake", "ggml", "include", "src", "vendor")
PROGRAMS = ("app", "common", "licenses", "scripts/ui-assets.cmake", "tools")
TESTS = ("models/templates", "tests/test-backend-ops.cpp", "tests/test-llama-archs.cpp")
# upstream's own page: large, and not the one that is served
NOT_NEEDED = ("tools/ui/src", "tools/ui/static", "tools/ui/tests")
NEEDED = LIBRARIES + TESTS + PROGRAMS
STAMP = ".staged"


def is_needed(path: str, patched: set[str]) -> bool:
    return path in patched or (_is_in(path, NEEDED) and not _is_in(path, NOT_NEEDED))


def _is_in(path: str, names: tuple[str, ...]) -> bool:
    return any(path == name or path.startswith(name + "/") for name in names)


def extract(source: Path, tree: Path, patched: set[str]) -> None:
    with llama_cpp_files(source) as files:
        for path, content, executable in files:
            if is_needed(path, patched):
                target = tree / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o755 if executable else 0o644)


def state_of(source: Path, patches: Path | None) -> str:
    """Return a hash of everything that affects what is staged; if it is the same, there is nothing to do."""
    state = hashlib.sha256(PIN_FILE.read_bytes())
    for program in sorted(Path(__file__).parent.glob("*.py")):
        state.update(program.read_bytes())
    if patches is not None:
        for name in ("series", *(patch.name for patch in read_patches(patches))):
            state.update((patches / name).read_bytes())
    state.update(str(source).encode())
    if source.is_dir():
        state.update(state_of_folder(llama_cpp_folder(source)))
    return state.hexdigest()


def state_of_folder(root: Path) -> bytes:
    """Hash names, sizes and times instead of content: a folder may be edited between two builds."""
    state = hashlib.sha256()
    for name in NEEDED:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                status = file.stat()
                state.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return state.digest()


def synchronise(fresh: Path, staged: Path) -> int:
    """Make `staged` equal to `fresh` without touching equal files; return how many were written."""
    wanted = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
    for file in [file for file in staged.rglob("*") if file.is_file()]:
        if file.relative_to(staged) not in wanted:
            file.unlink()
    n_written = 0
    for name in sorted(wanted):
        content, target = (fresh / name).read_bytes(), staged / name
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh / name, target)  # with the current time, so that the build notices the change
        n_written += 1
    return n_written


def stage(source: Path, staged: Path, patches: Path | None) -> None:
    stamp = staged / STAMP
    state = state_of(source, patches)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    staged.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    changed = [] if patches is None else [change for patch in read_patches(patches) for change in patch.changes]
    with tempfile.TemporaryDirectory(prefix="staging-", dir=staged.parent) as folder:
        fresh = Path(folder, "llama.cpp")
        fresh.mkdir()
        extract(source, fresh, {change.path for change in changed})
        applied = [] if patches is None else apply_series(fresh, patches)
        n_written = synchronise(fresh, staged)
    stamp.write_text(state, encoding="utf-8")
    print(f"drugs_cpp: staged llama.cpp with {len(applied)} patches ({n_written} files written)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, help="folder in the build tree")
    parser.add_argument("--upstream", default=None, help="archive or folder to take instead of the download")
    parser.add_argument("--patches", type=Path, default=None, help="folder with the series to apply; none: nothing")
    arguments = parser.parse_args()
    stage(find_source(arguments.upstream), arguments.into.resolve(), arguments.patches)


if __name__ == "__main__":
    try:
        main()
    except (PatchError, UpstreamError) as error:
        sys.exit(f"drugs_cpp: error: {error}")
