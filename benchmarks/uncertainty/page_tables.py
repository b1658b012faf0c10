"""Results as docs/uncertainty.md shows them: the sober answer alone, and how much varied answers agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import markdown

#: pattern in the label of a setting -> what the page shows
_WORDS = (
    (r"^(\w+) ([\d.]+)", r"`\1` up to \2 rad"),
    (r" late\b", ", late"),
    (r" held\b", ", held"),
    (r" shared layers\b", ", shared"),
    (r"(?:^|\s)temperature=([\d.]+)", r", temperature \1"),
    (r"^, ", ""),
)

#: what the page shows of the sober answer alone
_ALONE = ("perplexity", "probability")


def page_tables(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a heading and a table for each model and data set that was measured.

    Args:
        results: results of several models, as ``__main__`` writes them.
    """
    parts = []
    for result in results:
        for one in result["data"]:
            if one["rows"]:
                about = f"{one['n_questions']} questions, {100 * one['right']:.0f} % right"
                parts.append(f"**{_model(result['model'])}, {one['data']}**: {about}\n\n{_table(one['rows'])}")
    return "\n\n".join([*parts, _left_out(results)])


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    by = {(row["answers"], row["confidence"]): row for row in rows}
    shown = [row for row in rows if row["confidence"] in (*_ALONE, "agreement")]
    head = ["answers", "AUROC", "above temperature 0.5", "by entropy", "by Rouge-L", "with likelihood"]
    return markdown(head, [_line(row, by) for row in shown])


def _line(row: Mapping[str, str], by: Mapping[tuple[str, str], Mapping[str, str]]) -> list[str]:
    others = [by.get((row["answers"], name), {}).get("AUROC", "") for name in ("entropy", "similarity")]
    return [_said(row), row["AUROC"], row["AUROC above temperature"], *others, row["AUROC with likelihood"]]


def _said(row: Mapping[str, str]) -> str:
    if row["confidence"] in _ALONE:
        return f"the sober one alone, its {row['confidence']}"
    text = row["answers"]
    for label, words in _WORDS:
        text = re.sub(label, words, text)
    return text


def _left_out(results: Sequence[Mapping[str, Any]]) -> str:
    left_out = [
        f"{one['data']} ({_model(result['model'])}, {100 * one['right']:.0f} % right)"
        for result in results
        for one in result["data"]
        if not one["rows"]
    ]
    return f"Left out: {', '.join(left_out)}."


def _model(name: str) -> str:
    return name.split("-Instruct")[0]
