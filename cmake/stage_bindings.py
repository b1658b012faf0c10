"""Put llama-cpp-python's Python files and licence into a folder. CMake runs this at configure time.

The package carries them, so that llama-cpp-python does not have to be installed, whose installation compiles llama.cpp
once more. Nothing in them is changed. For pip, llama-cpp-python is not installed: it can be, and be removed, as before.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from upstream_source import PIN_FILE, UpstreamError, bindings_files, fetch, find_source, has_bindings, read_pin

PACKAGE = "llama_cpp/"
LICENSE = "LICENSE.md"
STAMP = ".staged"


def state_of(source: Path) -> str:
    """Return a hash of what decides which files are staged from an archive, whose content the pin gives."""
    programs = [Path(__file__), PIN_FILE]
    return hashlib.sha256(b"".join([str(source).encode(), *(program.read_bytes() for program in programs)])).hexdigest()


def stage_bindings(source: Path, folder: Path) -> None:
    """Write them into ``folder``, and remove what else is there. A file that has its content already is not touched."""
    stamp = folder.with_name(folder.name + STAMP)
    state = state_of(source)
    if source.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    stamp.unlink(missing_ok=True)
    wanted = {
        folder / path: content
        for path, content in bindings_files(source)
        if path == LICENSE or (path.startswith(PACKAGE) and not path.endswith(".pyc"))
    }
    for file in [file for file in folder.rglob("*") if file.is_file() and file not in wanted]:
        file.unlink()
    for target, content in wanted.items():
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    stamp.write_text(state, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, help="folder in the build tree")
    parser.add_argument("--upstream", default=None, help="archive or folder to take instead of the download")
    arguments = parser.parse_args()
    source = find_source(arguments.upstream)
    stage_bindings(source if has_bindings(source) else fetch(read_pin()), arguments.into.resolve())


if __name__ == "__main__":
    try:
        main()
    except UpstreamError as error:
        sys.exit(f"drugs_cpp: error: {error}")
