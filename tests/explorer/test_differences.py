"""How two texts differ, and how that is shown."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from support.explorer_data import DOSED_TEXT, SOBER_TEXT, WORDS
from support.exploring import Explore, expect, text

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: both texts, with the marked parts in brackets
MARKED = """([a, b]) => {
    const { words, hunks } = explorer.diff;
    const both = [words(a), words(b)];
    const found = hunks(...both);
    return [a, b].map((text, side) => {
        const own = both[side];
        const marked = new Set(found.flatMap((hunk) => {
            const [start, end] = hunk[side === 0 ? "a" : "b"];
            return own.slice(start, end).map((_, i) => start + i);
        }));
        return own.map(({ text }, i) => marked.has(i) ? `[${text}]` : text).join(" ").replaceAll("] [", " ");
    });
}"""

#: the unmarked words on both sides of each pair, and how many of them precede each place that differs
UNMARKED = """(pairs) => pairs.map(([a, b]) => {
    const { words, hunks } = explorer.diff;
    const found = hunks(words(a), words(b));
    return [a, b].map((text, side) => {
        const ranges = found.map((hunk) => hunk[side === 0 ? "a" : "b"]);
        const isMarked = (_, i) => ranges.some(([start, end]) => i >= start && i < end);
        const n_marked = (start) => ranges.reduce((n, [from, to]) => n + (to <= start ? to - from : 0), 0);
        const before = ranges.map(([start]) => start - n_marked(start));
        return [words(text).filter((word, i) => !isMarked(word, i)).map((word) => word.text), before];
    });
})"""


@pytest.mark.parametrize(
    ("a", "b", "marked"),
    [
        ("The sea was calm.", "The sea was calm.", ["The sea was calm .", "The sea was calm ."]),
        ("The sea was calm.", "The sea was wild.", ["The sea was [calm] .", "The sea was [wild] ."]),
        ("", "A word", ["", "[A word]"]),
        # words that two sentences happen to share are no reason to cut them into pieces
        (
            "The keeper slowly climbed the stairs and opened everything.",
            "The keeper quickly descended the ladder and closed nothing.",
            [
                "The keeper [slowly climbed the stairs and opened everything] .",
                "The keeper [quickly descended the ladder and closed nothing] .",
            ],
        ),
        # words that only one side has do not include the words between them
        (
            "The old man sat.",
            "The very old and wise man sat.",
            ["The old man sat .", "The [very] old [and wise] man sat ."],
        ),
        # one shared word in the middle of large differences means nothing, whatever comes after it
        (
            "He climbed every one of the many stairs slowly once more.",
            "She went down into the dark and empty cellar slowly and once more.",
            [
                "[He climbed every one of the many stairs slowly] once more .",
                "[She went down into the dark and empty cellar slowly and] once more .",
            ],
        ),
        # if there are several places where a sentence may have been inserted, the one that is a whole sentence
        (
            "The cat came. The dog ran.",
            "The cat came. The cat slept. The dog ran.",
            ["The cat came . The dog ran .", "The cat came . [The cat slept .] The dog ran ."],
        ),
        ("静かな夜だった。", "静かな朝だった。", ["静 か な [夜] だ っ た 。", "静 か な [朝] だ っ た 。"]),
    ],
)
def test_what_is_marked_makes_sense(calculator: Page, a: str, b: str, marked: list[str]) -> None:
    assert calculator.evaluate(MARKED, [a, b]) == marked


def unmarked(page: Page, pairs: list[list[str]]) -> Any:
    return page.evaluate(UNMARKED, pairs)


def test_without_what_is_marked_both_texts_have_the_same_words(calculator: Page) -> None:
    chance = random.Random(7)
    pairs = []
    for _ in range(400):
        words = chance.choices([*WORDS[: chance.randint(2, len(WORDS))], ".", ","], k=chance.randint(0, 40))
        other = [chance.choice(WORDS) if chance.random() < 0.3 else word for word in words]
        for _ in range(chance.randint(0, 5)):
            other.insert(chance.randint(0, len(other)), chance.choice(WORDS))
        del other[chance.randint(0, 40) : chance.randint(0, 40)]
        pairs.append([" ".join(words), " ".join(other)])
    for (a, b), (left, right) in zip(pairs, unmarked(calculator, pairs)):
        assert left == right, (a, b)


def test_texts_that_are_the_same_have_no_mark(explore: Explore) -> None:
    page = explore("1.site=A&1.dose=0.35&1.seed=1&2.seed=1")
    expect(page.locator("#difference")).to_have_text("The texts are the same.")
    expect(page.locator(".differs")).to_have_count(0)


def test_long_texts_are_compared_in_no_time(calculator: Page) -> None:
    chance = random.Random(1)
    a, b = (" ".join(chance.choices(WORDS, k=1500)) for _ in range(2))
    spent = calculator.evaluate(
        "([a, b]) => { const start = performance.now(); const { words, hunks } = explorer.diff;"
        " hunks(words(a), words(b)); return performance.now() - start; }",
        [a, b],
    )
    assert spent < 2000


def test_the_other_side_is_shown_where_one_points(explore: Explore) -> None:
    page = explore()
    expect(text(page, 2).locator(".differs")).to_have_text(["closed the log and slept for a day. Nobody"])
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_hidden()
    text(page, 2).locator(".differs").hover()
    expect(tip).to_have_text("The first text: “climbed the stairs and”")
    expect(text(page, 1).locator(".differs.linked")).to_have_count(1)
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    expect(page.locator(".linked")).to_have_count(0)


def test_what_is_missing_has_a_place_to_point_at(explore: Explore) -> None:
    page = explore()
    page.evaluate("explorer.compare.show(['The sea was calm.', 'The sea was very calm.'], true)")
    gap = text(page, 1).locator(".gap")
    gap.hover()
    expect(page.get_by_role("tooltip")).to_have_text("Missing here: “very”")
    text(page, 2).locator(".differs").hover()
    expect(page.get_by_role("tooltip")).to_have_text("Only in this text")
    assert text(page, 1).text_content() == "The sea was calm."


def test_marks_can_be_turned_off(explore: Explore) -> None:
    page = explore()
    page.get_by_label("Mark differences").uncheck()
    expect(page.locator(".differs")).to_have_count(0)
    assert [text(page, side).text_content() for side in (1, 2)] == [SOBER_TEXT, DOSED_TEXT]


def test_keys_go_from_one_difference_to_the_next(explore: Explore) -> None:
    page = explore()
    page.evaluate("explorer.compare.show(['a cat sat on a mat', 'a dog sat on the mat'], true)")
    marks = text(page, 2).locator(".differs")
    expect(marks).to_have_text(["dog", "the"])
    marks.first.focus()
    expect(page.get_by_role("tooltip")).to_have_text("The first text: “cat”")
    page.keyboard.press("ArrowRight")
    expect(marks.nth(1)).to_be_focused()
    expect(page.get_by_role("tooltip")).to_have_text("The first text: “a”")
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_be_hidden()
