"""What results were computed with: the processor, the build, the model's file."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]

#: written by cmake/BuildRecord.cmake
_RECORD = _PACKAGE / "lib" / "build.json"

#: parts of the package that, besides compiled code, determine which tokens are chosen
_DECIDES = ("doses", "engine", "model")


def cpu_name() -> str:
    """Return the processor's name for itself."""
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", file.read_text(encoding="utf-8")) if file.is_file() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def build() -> dict[str, str]:
    """Return the package's version, llama.cpp's commit, and a hash of all our code that affects the chosen tokens."""
    from drugs_cpp import __version__

    record = json.loads(_RECORD.read_text(encoding="utf-8"))
    return {"version": __version__, **record, "sources": _sources(record["sources"])}


@lru_cache(maxsize=1)
def _sources(compiled: str) -> str:
    digest = hashlib.sha256(compiled.encode())
    for folder in _DECIDES:
        for path in sorted((_PACKAGE / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[: len(compiled)]
