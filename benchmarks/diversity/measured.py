"""What is measured of the texts of a setting: by prompt, so that intervals can be drawn over prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.diversity.broken import why_broken
from benchmarks.diversity.distinct import distinct_by_cosine, distinct_by_rouge, first_words
from drugs_cpp.study.measures import distinct, vendi

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.sweep_store import SweepStore, TextRow

    Embed = Callable[[Sequence[str]], npt.NDArray[Any]]

#: words of each text that are compared where length would matter
_EQUAL_WORDS = 20

#: of each prompt and setting
MEASURES = ("kept", "distinct_cosine", "distinct_rouge", "vendi", "distinct_2", "log_likelihood")


@dataclass(frozen=True)
class Measured:
    """A setting.

    Attributes:
        values: by measure, a number for each prompt; NaN where texts are too few.
        broken: texts of all prompts by what is wrong with them.
        n_texts: of all prompts.
    """

    values: Mapping[str, npt.NDArray[np.float64]]
    broken: Mapping[str, int]
    n_texts: int

    def mean(self, measure: str) -> float:
        """Over the prompts."""
        return float(np.nanmean(self.values[measure]))

    def interval(self, measure: str, n_draws: int = 2000) -> tuple[float, float]:
        """95 % of the means of prompts that are drawn again and again, with a fixed seed."""
        values = self.values[measure]
        draws = np.random.default_rng(1).integers(0, len(values), (n_draws, len(values)))
        with np.errstate(invalid="ignore"):
            means = np.nanmean(values[draws], axis=1)
        low, high = np.nanpercentile(means, [2.5, 97.5])
        return float(low), float(high)


def measure(results: SweepStore, setting: int, model: int, prose: float, embed: Embed) -> Measured:
    """All prompts of a setting.

    Args:
        results: the texts.
        setting, model: their numbers in it.
        prose: log-likelihood of plain prose under the model.
        embed: vectors of texts.
    """
    cells = [cell for cell in results.cells() if cell.setting == setting and cell.model == model]
    by_prompt = [results.texts(cell) for cell in sorted(cells, key=lambda cell: cell.prompt)]
    reasons = [[why_broken(row, prose) for row in rows] for rows in by_prompt]
    kept = [[row for row, why in zip(rows, whys) if why is None] for rows, whys in zip(by_prompt, reasons)]
    beginnings = [first_words(row.text, _EQUAL_WORDS) for rows in kept for row in rows]
    vectors = embed(beginnings) if beginnings else np.zeros((0, 1))
    values, start = [], 0
    for rows, all_rows in zip(kept, by_prompt):
        values.append(_of_prompt(rows, vectors[start : start + len(rows)], len(all_rows)))
        start += len(rows)
    flat = [why for whys in reasons for why in whys]
    return Measured(
        values={name: np.array([one[name] for one in values], float) for name in MEASURES},
        broken={why: flat.count(why) for why in ("short", "repeats", "unlikely")},
        n_texts=len(flat),
    )


def _of_prompt(rows: Sequence[TextRow], vectors: npt.NDArray[Any], n_texts: int) -> dict[str, float]:
    texts = [first_words(row.text, _EQUAL_WORDS) for row in rows]
    likelihoods = [row.log_likelihood for row in rows if row.log_likelihood is not None]
    several = len(rows) > 1
    return {
        "kept": len(rows) / n_texts,
        "distinct_cosine": distinct_by_cosine(vectors) / n_texts,
        "distinct_rouge": distinct_by_rouge(texts) / n_texts,
        "vendi": (vendi(vectors) or np.nan) if several else np.nan,
        "distinct_2": (distinct(texts, 2) or np.nan) if several else np.nan,
        "log_likelihood": float(np.mean(likelihoods)) if likelihoods else np.nan,
    }
