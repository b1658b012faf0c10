"""The address holds the settings and the messages, so that a text can be shared."""

from __future__ import annotations

import re

import pytest

from support.browsing import SHORT, Open, answers, copied, expect, finish, profile, send, sent, streamed, unfold
from support.lighthouse import QUESTION

#: seeing an address does not require a model
CALM = {"**/v1/chat/completions": streamed("The sea was calm.")}


def test_a_link_holds_a_finding(open_page: Open) -> None:
    page = open_page("view=chat&A=0.3&" + SHORT)
    editor = profile(page)
    editor.get_by_role("button", name="Add point").click()
    page.get_by_label("Dose at Q in radians").fill("0.05")
    unfold(page, "More")
    page.get_by_label("System prompt").fill("Be brief & kind #1")
    page.get_by_label("Dose the prompt").select_option("all of it")
    requests = sent(page)
    send(page)
    page.get_by_label("Message", exact=True).fill("Why?")
    page.get_by_role("button", name="Copy a link").click()
    link = copied(page)
    assert "dose_inputs=true&" in link

    shared = open_page(link.split("#")[1])
    expect(shared.locator(".said")).to_have_text(QUESTION)
    expect(shared.get_by_label("Message", exact=True)).to_have_value("Why?")
    again = sent(shared)
    shared.get_by_role("button", name="Answer them").click()
    finish(shared)
    assert again == requests
    assert again[0]["drugs"]["dose_inputs"]
    assert again[0]["drugs"]["shape"]["A"]["points"] == [{"depth": 0.5, "peakratio": 1}]
    assert answers(shared) == answers(page)


def test_the_address_holds_the_settings_and_no_messages(open_page: Open) -> None:
    page = open_page("view=chat&A=0.3&" + SHORT, CALM)
    send(page)
    page.get_by_label("Message", exact=True).fill("Why?")
    expect(page).to_have_url(re.compile(r"#A=0\.3&.*prompt=Why%3F$"))


def test_messages_that_are_too_long_for_an_address_are_not_in_the_link(open_page: Open) -> None:
    page = open_page("view=chat&A=0.3&seed=3", CALM)
    page.get_by_label("Message", exact=True).fill("x" * 2500)
    send(page)
    page.get_by_role("button", name="Copy a link").click()
    expect(page.locator("#toast")).to_contain_text("too long for an address")
    assert len(copied(page)) < 200


@pytest.mark.parametrize(
    "at",
    [
        "A=-1&Q=x&seed=1e99&noise=loud&view=&n=0&A.shape=up_1",
        "%E0%A4%A&&&=&A=0.2&A.shape=ceil_0",
        "A=NaN&seed=-3&n=1.5&length=0",
    ],
)
def test_an_address_that_makes_no_sense_is_the_usual_one(open_page: Open, at: str) -> None:
    page = open_page(at)
    chosen = "Medium" if "A=0.2" not in at else None
    expect(page.locator("#presets [aria-pressed=true]")).to_have_text([chosen] if chosen else [])
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    expect(page.get_by_label("Side by side")).to_be_checked()
    expect(page.locator(".shaped")).to_have_count(0)


def test_another_address_in_the_same_tab_is_followed(open_page: Open) -> None:
    page = open_page(SHORT)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    page.evaluate("location.hash = 'A=0.4&seed=99&view=variations&n=4'")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("99")
    expect(page.get_by_label("Number of variations")).to_have_value("4")
