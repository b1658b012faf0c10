"""The results of the settings, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import markdown

_HEAD = (
    "method", "setting", "kept", "different", "Vendi score", "self-BLEU", "distinct-2", "own nats", "other's nats",
    "gain", "gain, other",
)  # fmt: skip

INPUTS_IN_WORDS = {False: "", "last": ", from the last token", True: ", from the prompt"}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return Markdown, a line for each setting."""
    return filled_columns(_HEAD, [_line(row) for row in rows])


def filled_columns(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown without the columns that are empty."""
    shown = [i for i in range(len(head)) if any(line[i] for line in lines)]
    return markdown([head[i] for i in shown], [[line[i] for i in shown] for line in lines])


def _line(row: Mapping[str, Any]) -> list[str]:
    gains = row.get("gains", {})
    return [
        row["method"],
        row["setting"] + INPUTS_IN_WORDS[row.get("inputs", False)],
        _percent(row["kept"]),
        _percent(row["distinct_cosine"]),
        _number(row, "vendi"),
        _number(row, "self_bleu"),
        _number(row, "distinct_2"),
        _number(row, "log_likelihood"),
        _number(row, "other_log_likelihood"),
        gain_in_words(gains.get("log_likelihood")),
        gain_in_words(gains.get("other_log_likelihood")),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _number(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"{name}_interval"]
    if row[name] is None:
        return ""
    return f"{row[name]:.2f}" + ("" if low is None else f" ({low:.2f} to {high:.2f})")


def gain_in_words(found: Sequence[float | None] | None) -> str:
    """Return a gain with its interval; nothing if there is none."""
    if not found or found[0] is None:
        return ""
    value, low, high = found
    return f"{value:+.2f}" + ("" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})")
