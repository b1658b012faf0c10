"""The page without a mouse, on a phone, in dark mode, without motion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.accessibility import violations
from support.browsing import SHORT, Open, expect, finish, rows, send, streamed, unfold

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_keyboard_does_everything(open_page: Open) -> None:
    page = open_page("A=0.2&" + SHORT)
    expect(page.locator(".site")).to_have_count(8)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.locator(".turn").wait_for()
    finish(page)
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.dosed .token')"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".dosed .token").nth(2)).to_be_focused()
    outline = page.locator(".dosed .token").nth(2).evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    rows(page, "sober")
    page.keyboard.press("Escape")
    expect(page.locator(".probabilities")).to_have_count(0)


def test_a_phone_has_no_horizontal_scrolling_and_a_drawer(open_page: Open) -> None:
    page = open_page("view=variations&n=2&A=0.2&" + SHORT, viewport={"width": 360, "height": 740}, has_touch=True)
    send(page)
    page.locator(".token").nth(3).click()
    rows(page, "dosed")

    def widest() -> int:
        parts = page.locator("html, #conversation, #controls")
        return max(int(part.evaluate("node => node.scrollWidth")) for part in parts.all())

    assert widest() <= 360
    first, second = (page.locator(".answer").nth(i).bounding_box() for i in range(2))
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"]

    expect(page.locator("#dice")).to_be_hidden()
    page.get_by_role("button", name=re.compile("Doses")).tap()
    page.get_by_role("button", name="Draw a new seed").tap()
    page.get_by_role("button", name="Profile of A").tap()
    assert widest() <= 360
    page.keyboard.press("Escape")
    expect(page.locator("#dice")).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("Doses"))).to_be_focused()


def brightness(page: Page, style: str) -> float:
    colour = str(page.evaluate(f"getComputedStyle(document.body).{style}"))
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_dark_and_light(open_page: Open) -> None:
    page = open_page(SHORT, color_scheme="dark")
    assert brightness(page, "backgroundColor") < 50
    assert brightness(page, "color") > 200
    page.get_by_role("button", name="Dark colours").click()
    assert brightness(page, "backgroundColor") > 230
    page.reload()
    assert brightness(page, "backgroundColor") > 230
    page.get_by_role("button", name="Dark colours").click()
    assert brightness(page, "backgroundColor") < 50


def test_reduced_motion_turns_transitions_off(open_page: Open) -> None:
    page = open_page(SHORT, reduced_motion="reduce", viewport={"width": 360, "height": 740})
    assert page.locator("#controls").evaluate("node => getComputedStyle(node).transitionDuration") == "0s"


@pytest.mark.parametrize(
    ("colours", "width"), [("light", 1280), ("dark", 1280), ("light", 360)], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing(open_page: Open, axe: str, colours: str, width: int) -> None:
    page = open_page(
        "view=side&A=0.2&" + SHORT,
        {"**/v1/chat/completions": streamed("The *sea* was `calm`.")},
        color_scheme=colours,
        viewport={"width": width, "height": 740},
        reduced_motion="reduce",
    )
    only = "color-contrast" if colours == "dark" else ""  # dark mode changes nothing else
    expect(page.locator(".site")).to_have_count(8)
    assert violations(page, axe, only=only) == []
    send(page)
    page.locator(".token").nth(1).click()
    page.get_by_role("button", name="Edit the message").click()
    page.get_by_role("button", name="Conversations").click()
    page.locator("#conversations-list li").first.wait_for()
    assert violations(page, axe, only=only) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Formatted").click()
    page.get_by_role("button", name="Clear").click()  # shows what can be undone
    if width < 500:
        page.get_by_role("button", name=re.compile("Doses")).click()
    unfold(page, "More")
    page.get_by_role("button", name="Profile of A").click()
    assert violations(page, axe, only=only) == []
