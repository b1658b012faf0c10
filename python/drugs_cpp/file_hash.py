"""``sha256_of``: identifies a file by its content, whatever its name."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal digits. The file is read again only if it has changed."""
    status = Path(path).stat()
    return _sha256(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: str, _size: int, _mtime: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while some := file.read(1 << 22):
            digest.update(some)
    return digest.hexdigest()
