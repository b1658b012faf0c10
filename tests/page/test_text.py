"""A text that the model continues: without a chat template, or because the user wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.browsing import Open, answers, expect, finish, rows, sent, unfold
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "view=chat&length=8&seed=3&A=0.3&formatted=false&prompt=The+sea+was"


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()
    finish(page)


@pytest.fixture
def plain(server: Server) -> dict[str, Any]:
    """The page's routes, as if the model had no chat template."""
    props = server.get("/props").json
    props["drugs"]["has_chat_template"] = False
    return {"**/props": lambda route: route.fulfill(json=props)}


def test_a_model_without_a_chat_template_continues_a_text(
    open_page: Open, server: Server, plain: dict[str, Any]
) -> None:
    page = open_page(TEXT, plain)
    expect(page.locator("#hint-text")).to_contain_text("its file has no chat template")
    requests = sent(page, "/v1/completions")
    go_on(page)
    body = {"prompt": "The sea was", "max_tokens": 8, "drugs": requests[0]["drugs"]}
    expected = server.post("/v1/completions", body).json["choices"][0]["text"]
    assert answers(page) == [expected]
    assert requests[0]["drugs"]["A"] == 0.3
    go_on(page)  # without anything new
    assert requests[1]["prompt"] == "The sea was" + expected
    page.get_by_label("Message", exact=True).fill(" And then")
    go_on(page)
    assert requests[2]["prompt"] == "".join(["The sea was", expected, answers_of(page, 1), " And then"])


def answers_of(page: Page, turn: int) -> str:
    return page.locator(".turn").nth(turn).locator(".answer .text").text_content() or ""


def test_messages_of_a_chat_can_be_chosen_for_it(open_page: Open, plain: dict[str, Any]) -> None:
    page = open_page(TEXT, plain)
    expect(page.get_by_role("button", name="Continue")).to_be_enabled()
    unfold(page, "More")
    page.get_by_label("Messages", exact=True).select_option("as a chat")
    requests = sent(page)
    page.get_by_role("button", name="Send").click()
    finish(page)
    assert requests[0]["messages"] == [{"role": "user", "content": "The sea was"}]


def test_a_text_has_probabilities_and_variations(open_page: Open) -> None:
    page = open_page(TEXT.replace("chat", "variations") + "&messages_as=text&n=2")
    expect(page.locator(".site")).to_have_count(8)
    go_on(page)
    assert len(answers(page)) == 2
    page.locator(".answer").first.locator(".token").nth(2).click()
    dosed = rows(page, "dosed")
    assert dosed == sorted(dosed, reverse=True)
    rows(page, "sober")
