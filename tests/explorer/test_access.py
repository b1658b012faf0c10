"""The explorer without a mouse, on a phone, in dark mode, with a screen reader, with texts that would break a page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.accessibility import violations
from support.explorer_data import HOSTILE
from support.exploring import PHONE, Explore, cell, expect, seed, summary, text, view

if TYPE_CHECKING:
    from playwright.sync_api import Page

VIEWS = ["Map", "Plot", "Search", "Favourites"]


@pytest.mark.parametrize(
    ("colours", "options"), [("light", {}), ("dark", {}), ("light", PHONE)], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing(explore: Explore, axe: str, colours: str, options: dict[str, Any]) -> None:
    page = explore("query=the&x=n_tokens&brush=39_41_0_2.2", color_scheme=colours, reduced_motion="reduce", **options)
    page.locator("#favourite-2").click()
    for number in range(2):
        page.locator(".side").nth(number).get_by_text("Configuration and code").click()
    text(page, 2).locator(".differs").first.focus()
    only = "color-contrast" if colours == "dark" else ""  # dark mode changes nothing else
    assert violations(page, axe, only=only) == []
    for name in VIEWS[1:]:
        view(page, name)
        assert (name, violations(page, axe, "aside", only)) == (name, [])


def test_axe_would_find_something(explore: Explore, axe: str) -> None:
    page = explore()
    page.evaluate("document.getElementById('swap').textContent = ''")
    assert [name for name, _ in violations(page, axe)] == ["button-name"]


@pytest.mark.parametrize("site", ["small", "imported"])
def test_a_phone_has_no_horizontal_scrolling(explore: Explore, site: str) -> None:
    page = explore("query=the&2.site=H&2.dose=0.5&2.seed=4", site, **PHONE)
    page.locator("#favourite-2").tap()
    for number in range(2):
        page.locator(".side").nth(number).get_by_text("Configuration and code").tap()
    for name in VIEWS:
        page.locator("#views").get_by_text(name, exact=True).tap()
        assert (name, page.evaluate("document.documentElement.scrollWidth")) == (name, 360)
    first, second = (page.locator(".side").nth(i).bounding_box() for i in range(2))
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"]


def brightness(page: Page, style: str) -> float:
    colour = str(page.evaluate(f"getComputedStyle(document.body).{style}"))
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_dark_and_light(explore: Explore) -> None:
    page = explore(color_scheme="dark")
    assert brightness(page, "backgroundColor") < 50
    assert brightness(page, "color") > 200
    page.get_by_role("button", name="Dark colours").click()
    assert brightness(page, "backgroundColor") > 230
    page.reload()
    assert brightness(page, "backgroundColor") > 230


def focus_by_tab(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, which must be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    expect(page.locator(selector).first).to_be_focused()


def test_the_keyboard_does_everything(explore: Explore) -> None:
    page = explore()
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    focus_by_tab(page, "[name=view]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#scatter-view")).to_be_visible()
    focus_by_tab(page, "#x-to")
    page.keyboard.type("-2.5")
    focus_by_tab(page, "#cells button")
    page.keyboard.press("Enter")
    expect(summary(page, 2)).to_have_text("A 0.8 · all · isotropic")
    focus_by_tab(page, "#dose-2")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(summary(page, 2)).to_have_text("A 0.35 · all · isotropic")
    focus_by_tab(page, "[name=seed-2]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name=seed-2]:checked")).to_have_value("2")
    page.keyboard.press("ArrowLeft")
    focus_by_tab(page, "#text-2 .differs")
    expect(page.get_by_role("tooltip")).to_contain_text("climbed the stairs")
    assert page.locator("#text-2 .differs").evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    focus_by_tab(page, "#favourite-2")
    page.keyboard.press("Space")
    expect(page.locator("#favourite-2")).to_have_attribute("aria-pressed", "true")
    focus_by_tab(page, ".side:last-child summary")
    page.keyboard.press("Enter")
    focus_by_tab(page, "[name=code-2]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#code-2")).to_have_text(re.compile("^drugs completion"))


def test_texts_that_would_break_a_page_are_only_texts(explore: Explore) -> None:
    page = explore("2.site=H&2.dose=0.5")
    for number, hostile in enumerate(HOSTILE, 1):
        seed(page, 2, number)
        expect(page.locator("[name=seed-2]:checked")).to_have_value(str(number))
        # half of a character does not leave the browser unchanged
        shown = page.evaluate("JSON.stringify(document.getElementById('text-2').textContent)")
        assert json.loads(shown) == hostile
    assert page.evaluate("window.broken") is None
    view(page, "Search")
    page.get_by_label("Words to find").fill("<script>")
    expect(page.locator("#results mark")).to_have_text("<script>")
    page.locator("#results button").click()
    page.locator("#favourite-2").click()
    view(page, "Favourites")
    expect(page.locator("#favourites .snippet")).to_contain_text(HOSTILE[0])
    view(page, "Map")
    expect(cell(page, "H 0.5")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('script:not([src]), #sides img').length") == 0


def test_the_policy_allows_no_script_in_the_page(explore: Explore) -> None:
    page = explore(expected="Content Security Policy")
    ran = page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.append("window.ran = true");
            document.head.append(script);
            const fetched = await fetch("http://example.org/").catch(() => "refused");
            return [window.ran ?? "refused", fetched];
        }"""
    )
    assert ran == ["refused", "refused"]
