"""What the benchmarks of diversity and uncertainty compute: against scikit-free definitions and brute force."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from benchmarks.diversity.distinct import distinct_by_cosine, distinct_by_rouge
from benchmarks.diversity.methods import EFFECTS, N_SETTINGS, methods
from benchmarks.uncertainty.scored import auroc, interval, rejection_ratio
from drugs_cpp import SITES


def pairs_won(confidence: np.ndarray, right: np.ndarray) -> float:
    """AUROC by going through all pairs."""
    pairs = list(itertools.product(confidence[right], confidence[~right]))
    return sum(1.0 if good > bad else 0.5 if good == bad else 0.0 for good, bad in pairs) / len(pairs)


def left_errors(order: np.ndarray, right: np.ndarray) -> float:
    """Mean share of errors that are left while answers are rejected in an order, by trapezoids."""
    wrong = ~right[order]
    left = [wrong[i:].sum() / len(wrong) for i in range(len(wrong) + 1)]
    return float(sum((a + b) / 2 for a, b in zip(left, left[1:])) / len(wrong))


def test_auroc_is_the_share_of_pairs_that_are_in_order() -> None:
    draw = np.random.default_rng(3)
    for _ in range(30):
        right = np.array([True, False, *(draw.random(20) < 0.4)])
        confidence = draw.integers(0, 6, len(right)).astype(float)
        assert auroc(confidence, right) == pytest.approx(pairs_won(confidence, right))
    assert np.isnan(auroc(np.ones(3), np.ones(3, bool)))


def test_the_rejection_ratio_is_one_at_best_and_none_by_chance() -> None:
    draw = np.random.default_rng(4)
    right = draw.random(40) < 0.5
    assert rejection_ratio(right.astype(float), right) == pytest.approx(1)
    assert rejection_ratio(np.ones(40), right) == pytest.approx(0)
    assert rejection_ratio(-right.astype(float), right) == pytest.approx(-1)
    confidence = draw.permutation(40).astype(float)
    by_chance = (~right).mean() / 2
    areas = [left_errors(np.argsort(order), right) for order in (confidence, right.astype(float))]
    assert rejection_ratio(confidence, right) == pytest.approx((by_chance - areas[0]) / (by_chance - areas[1]))


def test_an_interval_holds_what_it_is_of() -> None:
    draw = np.random.default_rng(5)
    right = draw.random(200) < 0.5
    confidence = right + draw.normal(0, 1, 200)
    low, high = interval(auroc, confidence, right)
    assert low < auroc(confidence, right) < high
    assert high - low < 0.2


def test_every_method_gets_as_many_settings() -> None:
    angles = {(site, effect): 0.1 + i / 100 for i, (site, effect) in enumerate(itertools.product(SITES, EFFECTS))}
    compared = methods(angles)
    assert {len(set(method.settings)) for method in compared} == {N_SETTINGS}
    assert Counter(method.is_dose for method in compared) == {True: len(SITES), False: 5}


def test_texts_that_say_the_same_count_once() -> None:
    assert distinct_by_rouge(["a b c d", "a b c e", "x y z"]) == 2
    assert distinct_by_cosine(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])) == 2
    assert distinct_by_cosine(np.zeros((0, 1))) == distinct_by_rouge([]) == 0
