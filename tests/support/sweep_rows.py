"""What a sweep has written, without times and order."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

_ROWS = """
SELECT model.key, prompt.key, setting.key, origin.key, seed, tokens, text, ending, log_likelihood, parted,
       compressibility, repeated, embedding
FROM text
JOIN model ON model.id = text.model
JOIN prompt ON prompt.id = text.prompt
JOIN setting ON setting.id = text.setting
JOIN origin ON origin.id = text.origin
"""


def sweep_rows(path: str | Path) -> set[tuple[Any, ...]]:
    """Each text with everything known about it; a damaged ResultFile is an error."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute(_ROWS).fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)
