"""What the benchmark of uncertainty computes: against independent implementations, and brute force."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.uncertainty.fit_tables import fit_tables
from benchmarks.uncertainty.fitted import calibration_error, fit
from benchmarks.uncertainty.methods import EFFECTS, NOISES, TEMPERATURE, sampled, settings, settings_of_long, usual
from benchmarks.uncertainty.page_tables import page_tables
from benchmarks.uncertainty.questions import NAMES, data_sets
from benchmarks.uncertainty.scored import auroc, difference, interval, rejection_ratio
from drugs_cpp import DRUGS, _core
from drugs_cpp.model.uncertainty_methods import usual_doses


def pairs_won(confidence: np.ndarray, right: np.ndarray) -> float:
    """AUROC by iterating over all pairs."""
    pairs = list(itertools.product(confidence[right], confidence[~right]))
    return sum(1.0 if good > bad else 0.5 if good == bad else 0.0 for good, bad in pairs) / len(pairs)


def left_errors(order: np.ndarray, right: np.ndarray) -> float:
    """Mean share of remaining errors while answers are rejected in an order, by trapezoids."""
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


def simulated(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, which answers are right, and how likely each was to be right."""
    draw = np.random.default_rng(6)
    features = np.column_stack([draw.random((n, 3)), draw.normal(-1, 0.5, n)])
    likely = 1 / (1 + np.exp(-(-1 + features @ TRUE_WEIGHTS)))
    return features, draw.random(n) < likely, likely


TRUE_WEIGHTS = np.array([3.0, -1.0, 0.5, 1.0])


def test_a_fit_finds_the_weights_that_made_the_answers() -> None:
    features, right, likely = simulated(20000)
    found = fit(features, right, [0] * len(right), [str(i) for i in range(len(right))])
    np.testing.assert_allclose(found.weights, [-1, *TRUE_WEIGHTS], atol=0.25)
    np.testing.assert_allclose(found.scores, likely, atol=0.06)
    assert found.off < 0.02
    assert found.brier == pytest.approx(np.mean((found.scores - right) ** 2))


def test_each_data_set_counts_the_same() -> None:
    features = np.zeros((1100, 4))
    right = np.array([True] * 1000 + [False] * 100)
    found = fit(features, right, [0] * 1000 + [1] * 100, [str(i) for i in range(1100)])
    assert found.scores.mean() == pytest.approx(0.5, abs=0.02)  # and not 10 of 11


def test_the_calibration_error_is_the_distance_from_what_is_right() -> None:
    draw = np.random.default_rng(7)
    scores = draw.random(1000)
    right = draw.random(1000) < scores
    expected: float = 0.0
    for some in np.sort(np.arange(1000)).reshape(10, 100):
        order = np.argsort(scores)[some]
        expected += float(abs(np.mean(scores[order]) - np.mean(right[order]))) / 10
    same = np.ones(1000)
    assert calibration_error(scores, right, same) == pytest.approx(expected)
    assert calibration_error(scores, np.ones(1000, bool), same) == pytest.approx(1 - scores.mean())
    twice = np.repeat([1.0, 3.0], 500)  # once counted with weight 3, once repeated three times
    rows = np.concatenate([np.arange(500), *[np.arange(500, 1000)] * 3])
    grouped = calibration_error(np.sort(scores), right[np.argsort(scores)], twice)
    again = calibration_error(np.sort(scores)[rows], right[np.argsort(scores)][rows], np.ones(2000))
    assert grouped == pytest.approx(again, abs=0.02)


def test_answers_to_one_question_are_judged_by_the_same_weights() -> None:
    """Each question appears twice, with a feature of its own: having seen it once gives away the answer."""
    draw = np.random.default_rng(8)
    names = [str(i) for i in range(60)]
    right = np.tile(draw.random(60) < 0.5, 2)
    features = np.tile(np.eye(60) * np.where(right[:60], 30, -30)[:, None], (2, 1))
    found = fit(features, right, [0] * 120, [*names, *names])
    assert len(np.unique(found.scores.round(3))) <= 5  # one per part, whatever the answer
    leaked = fit(features, right, [0] * 120, [str(i) for i in range(120)])
    assert len(np.unique(leaked.scores.round(3))) > 5


def test_a_difference_is_that_of_the_same_questions() -> None:
    draw = np.random.default_rng(9)
    right = draw.random(300) < 0.5
    one = right + draw.normal(0, 1, 300)
    value, low, high = difference(auroc, one, one, right)
    assert value == low == high == 0
    worse = one + draw.normal(0, 0.3, 300)
    value, low, high = difference(auroc, one, worse, right)
    assert value == auroc(one, right) - auroc(worse, right)
    alone = [interval(auroc, some, right) for some in (one, worse)]
    assert low < value < high
    assert high - low < min(top - bottom for bottom, top in alone)


def test_no_sum_comes_twice(tmp_path: Path) -> None:
    for name, row in (
        ("trivia_choice_1200", {"question": "?", "choices": ["a", "b", "c", "d"], "answer": "c"}),
        ("nq_open_dev_1000", {"question": "who", "answer": ["The", "Ann"]}),
        ("gsm8k_test_400", {"question": "?", "answer": "so\n#### 1,200"}),
    ):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    by_name = {data.name: data for data in data_sets(tmp_path)}
    assert tuple(by_name) == NAMES
    sums = by_name["sums"].questions
    assert len(sums) == len({question.prompt for question in sums}) == 150
    small = by_name["small-sums"].questions
    assert len(small) == len({question.prompt for question in small}) == 66 + 55 + 36
    assert by_name["trivia"].questions[0].right == {"C"}
    assert by_name["NQ-open"].questions[0].right == {"ann"}  # an article alone is no answer
    assert by_name["GSM8K"].questions[0].right == {"1200"}
    assert [data.is_long for data in by_name.values()] == [False, False, False, False, True]
    assert [data.name for data in data_sets(tmp_path, ["sums"])] == ["sums"]
    assert by_name["sums"].known(0.3) == 0.3
    assert [by_name["trivia"].known(share) for share in (0.25, 0.4, 1.0)] == pytest.approx([0, 0.2, 1])


def test_long_answers_are_varied_in_fewer_ways() -> None:
    angles = {(noise, effect): 0.1 + effect for noise in NOISES for effect in EFFECTS}
    every, few, long = settings(angles, 24, few=False), settings(angles, 24, few=True), settings_of_long(angles, 256)
    assert len(long) < len(few) < len(every)
    for some, max_tokens in ((every, 24), (few, 24), (long, 256)):
        assert usual(angles, max_tokens) in some
        assert sampled(TEMPERATURE, max_tokens) in some
        assert any(one.hold == 0 and one.layers == "shared" and one.sampler for one in some)  # what is claimed


def test_what_is_measured_as_usual_is_what_uncertainty_takes() -> None:
    angles = {(noise, effect): 0.1 + effect for noise in NOISES for effect in EFFECTS}
    measured = usual(angles, 24)
    taken = DRUGS({**usual_doses().to_dict(), "effect": None, "M": measured.dose})
    assert usual_doses().dosage.effect == EFFECTS[0]
    assert (taken.hold, taken.layers) == (measured.drugs.hold, measured.drugs.layers)
    for n_layer in (24, 30, 32):
        np.testing.assert_array_equal(taken.table(n_layer), measured.drugs.table(n_layer))


ROOT = Path(__file__).parents[1]
RESULTS = [
    json.loads((ROOT / "benchmarks" / "results" / f"uncertainty-{model}.json").read_text(encoding="utf-8"))
    for model in ("smollm2", "qwen2.5-coder", "qwen2.5-coder-gsm8k")
]


def test_the_page_has_the_tables_of_the_results() -> None:
    page = (ROOT / "docs" / "uncertainty.md").read_text(encoding="utf-8")
    assert page_tables(RESULTS) in page
    assert fit_tables(RESULTS).split("\n\n")[1] in page


def test_the_score_has_the_weights_that_were_fitted() -> None:
    weights = [float(number) for number in re.findall(r"[+-][\d.]+(?= \()", fit_tables(RESULTS))]
    for agreement, likelihood in itertools.product((0.0, 0.3, 1.0), (-2.0, -0.5, 0.0)):
        x = weights[0] + weights[1] * agreement + weights[2] * likelihood
        assert _core.confidence(agreement, likelihood) == pytest.approx(1 / (1 + np.exp(-x)))
