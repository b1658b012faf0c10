"""What the score was fitted to and how well it fits, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.report import markdown
from benchmarks.uncertainty.fitted import FEATURES, fit
from benchmarks.uncertainty.scored import auroc, interval


def fit_tables(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the weights, and for each model and data set the mean score, the share of right answers and the AUROC.

    Args:
        results: results of several models, as ``__main__`` writes them.
    """
    sets = [(result["model"], one) for result in results for one in result["data"]]
    rows = np.array([row for _, one in sets for row in one["features"]])
    among = [i for i, (_, one) in enumerate(sets) for _ in one["features"]]
    right = rows[:, -1] > 0
    questions = [f"{one['data']} {i}" for _, one in sets for i in range(len(one["features"]))]
    found = fit(rows[:, :-1], right, among, questions)
    weights = [f"{value:+.3f} ({name})" for name, value in zip(("constant", *FEATURES), found.weights)]
    lines = []
    for i, (model, one) in enumerate(sets):
        here = np.array(among) == i
        scores, good = found.scores[here], right[here]
        said = (
            "{:.3f} ({:.3f} to {:.3f})".format(auroc(scores, good), *interval(auroc, scores, good))
            if good.any()
            else ""
        )
        numbers = [f"{100 * good.mean():.0f} %", f"{scores.mean():.2f}", said]
        lines.append([model, one["data"], str(len(good)), *numbers])
    head = ["model", "data", "questions", "right", "mean score", "AUROC"]
    about = f"Brier score {found.brier:.3f}, expected calibration error {found.off:.3f}, both cross-validated"
    return f"weights: {', '.join(weights)}\n{about}\n\n{markdown(head, lines)}"
