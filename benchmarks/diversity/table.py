"""The results of the settings, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import markdown

_HEAD = (
    "method", "setting", "kept", "different", "Vendi score", "self-BLEU", "distinct-2", "own nats", "other's nats",
    "gain", "gain, other",
)  # fmt: skip

_INPUTS = {False: "", "last": ", from the last token", True: ", from the prompt"}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return Markdown, a line for each setting."""
    lines = [_line(row) for row in rows]
    shown = [i for i in range(len(_HEAD)) if any(line[i] for line in lines)]
    return markdown([_HEAD[i] for i in shown], [[line[i] for i in shown] for line in lines])


def _line(row: Mapping[str, Any]) -> list[str]:
    gains = row.get("gains", {})
    return [
        row["method"],
        row["setting"] + _INPUTS[row.get("inputs", False)],
        _percent(row["kept"]),
        _percent(row["distinct_cosine"]),
        _number(row, "vendi"),
        _number(row, "self_bleu"),
        _number(row, "distinct_2"),
        _number(row, "log_likelihood"),
        _number(row, "other_log_likelihood"),
        _gain(gains.get("log_likelihood")),
        _gain(gains.get("other_log_likelihood")),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _number(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"{name}_interval"]
    if row[name] is None:
        return ""
    return f"{row[name]:.2f}" + ("" if low is None else f" ({low:.2f} to {high:.2f})")


def _gain(found: Sequence[float | None] | None) -> str:
    if not found or found[0] is None:
        return ""
    value, low, high = found
    return f"{value:+.2f}" + ("" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})")
