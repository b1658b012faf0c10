"""The address holds the settings and the messages, so that a text can be shared."""

from __future__ import annotations

import re

import pytest

from support.browsing import SHORT, Open, answers, expect, finish, profile, send, sent
from support.lighthouse import QUESTION


def test_the_address_holds_a_finding(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    editor = profile(page)
    editor.get_by_role("button", name="Add point").click()
    page.get_by_label("Dose at Q in radians").fill("0.05")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("System prompt").fill("Be brief & kind #1")
    page.get_by_label("Dose the prompt").select_option("all of it")
    requests = sent(page)
    send(page)
    page.get_by_label("Message", exact=True).fill("Why?")
    expect(page).to_have_url(re.compile("prompt=Why.*message=Write"))

    shared = open_page(page.url.split("#")[1])
    expect(shared.locator(".said")).to_have_text(QUESTION)
    expect(shared.get_by_label("Message", exact=True)).to_have_value("Why?")
    again = sent(shared)
    shared.get_by_role("button", name="Answer them").click()
    finish(shared)
    assert again == requests
    assert "dose_inputs=true&" in page.url
    assert again[0]["drugs"]["dose_inputs"]
    assert again[0]["drugs"]["shape"]["A"]["points"] == [{"depth": 0.5, "peakratio": 1}]
    assert answers(shared) == answers(page)


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
    expect(page.get_by_label("Dose at A in radians")).to_have_value("0.2")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    expect(page.get_by_label("Side by side")).to_be_checked()
    expect(page.locator(".shaped")).to_have_count(0)


def test_another_address_in_the_same_tab_is_followed(open_page: Open) -> None:
    page = open_page(SHORT)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
    page.evaluate("location.hash = 'A=0.4&seed=99&view=variations&n=4'")
    expect(page.get_by_label("Seed", exact=True)).to_have_value("99")
    expect(page.get_by_label("Number of variations")).to_have_value("4")
