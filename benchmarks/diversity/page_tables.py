"""Results as docs/diversity.md shows them: a line for each setting that was measured in full."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.diversity.table import INPUTS_IN_WORDS, filled_columns, gain_in_words
from drugs_cpp.doses.sites import SITES

#: of a setting, what the page shows
_KEPT = ("method", "setting", "inputs", "kept", "vendi", "log_likelihood", "other_log_likelihood", "n_texts", "gains")

_HEAD = ("how", "texts kept", "Vendi score", "own nats", "other's nats", "gain", "gain, other")


def shortened(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return of results what the page needs, to be kept in the repository."""
    rows = [{name: row[name] for name in (*_KEPT, "vendi_interval") if name in row} for row in found["full"]]
    return {"model": found["model"], "full": rows}


def page_tables(paths: Sequence[Path]) -> str:
    """Return a heading and a table for each model.

    Args:
        paths: files with results, as ``__main__`` or :func:`shortened` gives them.
    """
    parts = []
    for path in paths:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = found["full"]
        n_prompts = next(row["n_texts"] for row in rows if row["method"] == "sober")
        n_texts = max(row["n_texts"] for row in rows) // n_prompts
        title = f"**{found['model'].split('-Instruct')[0]}**: {n_prompts} prompts, {n_texts} texts each"
        parts.append(f"{title}\n\n{filled_columns(_HEAD, [_line(row) for row in rows])}")
    return "\n\n".join(parts)


def _line(row: Mapping[str, Any]) -> list[str]:
    gains = row.get("gains", {})
    return [
        _said(row),
        f"{100 * row['kept']:.0f}%",
        f"{row['vendi']:.2f}",
        _number(row["log_likelihood"]),
        _number(row["other_log_likelihood"]),
        gain_in_words(gains.get("log_likelihood")),
        gain_in_words(gains.get("other_log_likelihood")),
    ]


def _said(row: Mapping[str, Any]) -> str:
    if row["method"] in SITES:
        label = re.sub(r"^(\w+) ([\d.]+)", r"`\1` up to \2 rad", row["setting"]).replace(" held", ", held")
        return label + INPUTS_IN_WORDS[row["inputs"]]
    return str(row["setting"]).replace("=", " ").replace("_", "-")


def _number(nats: float | None) -> str:
    return "" if nats is None else f"{nats:.2f}"
