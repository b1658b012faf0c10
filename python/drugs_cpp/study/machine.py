"""What results were computed with: the processor, the model's file."""

from __future__ import annotations

import hashlib
import platform
import re
from pathlib import Path


def cpu_name() -> str:
    """The processor, as it calls itself."""
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", file.read_text(encoding="utf-8")) if file.is_file() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def sha256_of(path: str) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while some := file.read(1 << 22):
            digest.update(some)
    return digest.hexdigest()
