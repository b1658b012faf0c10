"""Which part of a text is its answer, and how far answers agree: against Python's string functions and brute force."""

from __future__ import annotations

import math
import random
import re
from collections import Counter

import pytest

from drugs_cpp import OptionError, _core

#
# answers
#


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("B", "B"),
        ("(C) a cat", "C"),
        (" **D**", "D"),
        ("The answer is A.", "A"),
        ("I think it is B", "B"),
        ("A dog, so B)", "B"),
        ("A) a dog", "A"),
        ("I am not sure.", ""),
        ("A dog barks", ""),
        ("Bob's", ""),
        ("", ""),
    ],
)
def test_a_choice_is_a_letter_that_stands_alone(text: str, answer: str) -> None:
    assert _core.answer_of(text, "choice") == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("#### 72", "72"),
        ("She has 3, then 1,234.50 dollars.", "1234.5"),
        ("It is -7", "-7"),
        ("10-3 = 7.", "7"),
        ("x-3", "3"),
        ("007", "7"),
        ("0.50", "0.5"),
        ("-0.0", "0"),
        ("$1,000,000", "1000000"),
        ("3.14.", "3.14"),
        ("route66", ""),
        ("none", ""),
    ],
)
def test_a_number_is_the_last_one(text: str, answer: str) -> None:
    assert _core.answer_of(text, "number") == answer


def test_numbers_are_those_that_pythons_own_floats_are() -> None:
    draw = random.Random(5)
    for _ in range(500):
        number = round(draw.uniform(-1e6, 1e6), draw.randrange(4))
        shown = f"{number:,}" if draw.random() < 0.5 else f"{number:.5f}"
        answer = _core.answer_of(f"So it is {shown} in all", "number")
        assert float(answer) == number
        assert answer == (f"{number:.5f}".rstrip("0").rstrip("."))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\n The Battle of Hastings, in 1066!\nIt was", "battle of hastings in 1066"),
        ("A  cat & an owl", "cat owl"),
        ("Zürich", "zürich"),
        ("?!", ""),
    ],
)
def test_a_text_is_its_first_line_without_what_does_not_matter(text: str, answer: str) -> None:
    assert _core.answer_of(text, "text") == answer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("B", "choice"),
        ("C) the cat", "choice"),
        ("42", "number"),
        ("Paris", "text"),
        ("In 1066", "text"),
        ("She sells 9 eggs at 2 dollars each, which makes 18 dollars a day in all.", "number"),
        ("", "text"),
    ],
)
def test_what_kind_it_is_follows_from_the_sober_text(text: str, kind: str) -> None:
    assert _core.compare_answers(text, ["x"])["kind"] == kind


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(OptionError, match="unknown kind of answer 'letter': give auto, choice, number or text"):
        _core.compare_answers("A", ["A"], "letter")
    with pytest.raises(ValueError, match="at least one"):
        _core.compare_answers("A", [])


#
# agreement
#


def rouge_l(a: str, b: str) -> float:
    """From its definition, by brute force over subsequences of the shorter text."""
    first, second = (re.findall(r"\w+", text.lower()) for text in (a, b))
    if not first or not second:
        return float(first == second)

    def common(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        if first[i] == second[j]:
            return 1 + common(i + 1, j + 1)
        return max(common(i + 1, j), common(i, j + 1))

    longest = common(0, 0)
    precision, recall = longest / len(first), longest / len(second)
    return 2 * precision * recall / (precision + recall) if longest else 0.0


def test_rouge_l_is_what_its_definition_says() -> None:
    draw = random.Random(7)
    words = ["sea", "Sea", "wind", "a", "9"]
    for _ in range(200):
        a, b = (" ".join(draw.choice(words) for _ in range(draw.randrange(8))) for _ in range(2))
        assert _core.rouge_l(a, b) == pytest.approx(rouge_l(a, b))


def test_answers_are_counted() -> None:
    draw = random.Random(11)
    for _ in range(50):
        sober = draw.choice("ABC")
        others = [draw.choice(["A", "B.", "(C) cat", "?"]) for _ in range(draw.randrange(1, 12))]
        found = _core.compare_answers(sober, others, "choice")
        counts = Counter(_core.answer_of(text, "choice") for text in others)
        alike = {answer: n if answer else 1 for answer, n in counts.items()}  # no answer is like no other
        assert found["agreement"] == pytest.approx(counts[sober] / len(others))
        surprise = sum(n / len(others) * math.log(len(others) / alike[answer]) for answer, n in counts.items())
        assert found["entropy"] == pytest.approx(surprise)
        pairs = [rouge_l(a, b) for i, a in enumerate(others) for b in others[:i]]
        assert found["similarity"] == pytest.approx(sum(pairs) / len(pairs) if pairs else 1)
        groups = {group["answer"]: group["n"] for group in found["groups"]}
        assert groups == {sober: 0, **counts}
        assert [group["n"] for group in found["groups"]] == sorted(groups.values(), reverse=True)
        texts = [sober, *others]
        for group in found["groups"]:
            assert group["first"] == [_core.answer_of(text, "choice") for text in texts].index(group["answer"])


def test_more_agreement_is_more_confidence() -> None:
    sure = _core.compare_answers("42", ["42"] * 10, "number")
    unsure = _core.compare_answers("42", [str(i) for i in range(10)], "number")
    for likelihood in (-3.0, -0.5, 0.0):
        low, high = (_core.confidence(some["agreement"], likelihood) for some in (unsure, sure))
        assert 0 < low < high < 1


def test_long_texts_take_no_long_time() -> None:
    texts = ["word " * 100_000 + str(i) for i in range(20)]
    assert _core.compare_answers(texts[0], texts[1:], "text")["similarity"] == 1
