"""What is measured for the texts of a setting: by prompt, so that intervals over prompts can be computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.diversity.broken import why_broken
from benchmarks.diversity.distinct import distinct_by_cosine, distinct_by_rouge, first_words
from drugs_cpp.study.measures import distinct, vendi
from drugs_cpp.study.self_bleu import self_bleu

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.prompt import Prompt
    from drugs_cpp.study.sweep_store import TextRow

    F64 = npt.NDArray[np.float64]
    Embed = Callable[[Sequence[str]], npt.NDArray[Any]]
    Likelihood = Callable[[Prompt, str], float]

#: number of words of each text that are compared by measures that depend on length
_EQUAL_WORDS = 20

#: measures of each prompt and setting
MEASURES = (
    "kept",
    "distinct_cosine",
    "distinct_rouge",
    "vendi",
    "self_bleu",
    "distinct_2",
    "log_likelihood",
    "other_log_likelihood",
    "log_likelihood_of_all",
)

_N_DRAWS = 2000


@dataclass(frozen=True)
class Instruments:
    """What is needed to measure texts.

    Attributes:
        prose: log-likelihood of plain prose under the model that wrote them, in nats.
        embed: computes vectors of texts.
        bleu: ``sacrebleu.BLEU(effective_order=True)``.
        other: log-likelihood of a text under another model, in nats; None: not measured.
    """

    prose: float
    embed: Embed
    bleu: Any
    other: Likelihood | None = None


@dataclass(frozen=True)
class Measured:
    """The results of a setting.

    Attributes:
        values: for each measure, a number per prompt; NaN if there is nothing to measure.
        broken: what is wrong -> number of such texts, over all prompts.
        n_texts: number of texts, over all prompts.
    """

    values: Mapping[str, F64]
    broken: Mapping[str, int]
    n_texts: int

    def mean(self, measure: str) -> float:
        """Return the mean over prompts; NaN if nothing was measured."""
        return float(means(self.values[measure][None])[0])

    def interval(self, measure: str) -> tuple[float, float]:
        """Return the bootstrap 95 % interval of the mean over prompts, with a fixed seed."""
        values = self.values[measure]
        return middle(means(values[drawn(len(values))]))


def drawn(n_prompts: int) -> npt.NDArray[np.int64]:
    """Return bootstrap draws of prompts with a fixed seed, so always the same: (draws, n_prompts)."""
    return np.random.default_rng(1).integers(0, n_prompts, (_N_DRAWS, n_prompts))


def means(values: F64) -> F64:
    """Return the means of rows, ignoring NaN."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: F64 = np.where(there, values, 0).sum(-1) / there.sum(-1)
    return found


def middle(values: F64) -> tuple[float, float]:
    """Return the interval that contains the middle 95 % of values; NaN if there are none."""
    there = values[~np.isnan(values)]
    if not len(there):
        return float("nan"), float("nan")
    low, high = np.percentile(there, [2.5, 97.5])
    return float(low), float(high)


def measure(texts: Sequence[tuple[Prompt, Sequence[TextRow]]], using: Instruments) -> Measured:
    """Measure a setting's texts, which are grouped by prompt."""
    reasons = [[why_broken(row, using.prose) for row in rows] for _, rows in texts]
    kept = [[row for row, why in zip(rows, whys) if why is None] for (_, rows), whys in zip(texts, reasons)]
    beginnings = [first_words(row.text, _EQUAL_WORDS) for rows in kept for row in rows]
    vectors = using.embed(beginnings) if beginnings else np.zeros((0, 1))
    values, start = [], 0
    for (prompt, all_rows), rows in zip(texts, kept):
        own = vectors[start : start + len(rows)]
        others = [] if using.other is None else [using.other(prompt, row.text) for row in rows]
        found = {"other_log_likelihood": _mean(others), "log_likelihood_of_all": _likelihood(all_rows)}
        values.append({**_of_texts(rows, own, len(all_rows), using), **found})
        start += len(rows)
    flat = [why for whys in reasons for why in whys]
    return Measured(
        values={name: np.array([one[name] for one in values], float) for name in MEASURES},
        broken={why: flat.count(why) for why in ("short", "repeats", "unlikely")},
        n_texts=len(flat),
    )


def _of_texts(rows: Sequence[TextRow], vectors: npt.NDArray[Any], n_texts: int, using: Instruments) -> dict[str, float]:
    """Return measures of the texts of a prompt that are not broken; ``n_texts`` includes the broken ones."""
    texts = [first_words(row.text, _EQUAL_WORDS) for row in rows]
    several = len(rows) > 1
    bleu = self_bleu(texts, using.bleu)
    return {
        "kept": len(rows) / n_texts,
        "distinct_cosine": distinct_by_cosine(vectors) / n_texts,
        "distinct_rouge": distinct_by_rouge(texts) / n_texts,
        "vendi": (vendi(vectors) or np.nan) if rows else 0.0,
        "self_bleu": np.nan if bleu is None else bleu,
        "distinct_2": (distinct(texts, 2) or np.nan) if several else np.nan,
        "log_likelihood": _likelihood(rows),
    }


def _likelihood(rows: Sequence[TextRow]) -> float:
    return _mean([row.log_likelihood for row in rows if row.log_likelihood is not None])


def _mean(numbers: Sequence[float]) -> float:
    return float(np.mean(numbers)) if numbers else float("nan")
