"""What is shown first, and what is shown if little is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drugs_cpp.study.explorer_site import write_site
from support.explorer_data import SOBER_TEXT, small_site
from support.exploring import PHONE, Explore, cell, expect, summary, text, view

if TYPE_CHECKING:
    from playwright.sync_api import Page

OTHERS = "model=Other-1B"


def about(page: Page, side: int) -> str:
    return page.locator(".side").nth(side - 1).locator(".about").text_content() or ""


@pytest.mark.parametrize(
    ("same", "shown"),
    [
        (lambda dose, seed: dose == 0.35 and seed < 3, ("A 0.35", 3)),
        (lambda dose, _: dose in {0.2, 0.35}, ("A 0.5", 1)),
        (lambda *_: True, ("A 0.35", 1)),
    ],
    ids=["another seed", "another dose", "no text differs"],
)
def test_at_first_the_texts_differ_if_any_do(
    explore: Explore, tmp_path: Path, same: Callable[[float, int], bool], shown: tuple[str, int]
) -> None:
    site = small_site()
    (block, *_) = site.blocks

    def text_of(setting: int, seed: int, own: str) -> str:
        return SOBER_TEXT if same(site.settings[setting].dose, seed) else own

    texts = [replace(one, text=text_of(one.setting, one.seed, one.text)) for one in block.texts]
    write_site(replace(site, blocks=[replace(block, texts=texts)]), tmp_path)
    address = (tmp_path / "index.html").as_uri()
    page = explore(address=address)
    seed = page.locator("[name=seed-2]:checked").input_value()
    assert ((summary(page, 2).text_content() or "").split(" \N{MIDDLE DOT} ")[0], int(seed)) == shown
    chosen = explore("2.site=A&2.dose=0.2", address=address)  # nothing takes precedence over what someone has chosen
    expect(summary(chosen, 2)).to_have_text(re.compile("^A 0.2 "))


def test_where_there_is_no_sober_text_the_smallest_dose_takes_its_place(explore: Explore) -> None:
    page = explore(OTHERS, "mixed")
    expect(summary(page, 1)).to_have_text("A 0.01")
    expect(summary(page, 2)).to_have_text("A 0.2")
    followed = explore("2.site=K&2.dose=0.5", "mixed")
    expect(summary(followed, 1)).to_have_text("sober")
    followed.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(summary(followed, 1)).to_have_text("K 0.01")
    expect(followed.locator("#elsewhere-1")).to_have_text("Not available here: site sober. This is the nearest.")


def test_what_nothing_here_has_gives_way_and_comes_back(explore: Explore) -> None:
    page = explore("measure=vendi&y=vendi", "mixed")
    expect(page.locator("#measure")).to_have_value("vendi")
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(page.locator("#measure")).to_have_value("self_bleu")
    expect(page.locator("#measure option[value=log_likelihood]")).to_be_disabled()
    expect(cell(page, "K 0.5")).to_have_text("0.80")
    view(page, "Plot")
    expect(page.locator("#plot .point")).to_have_count(6)
    assert [page.locator(axis).input_value() for axis in ("#x", "#y")] == ["repeated", "self_bleu"]
    page.get_by_label("Model", exact=True).select_option("SmolLM2-135M-Instruct")
    assert [page.locator(axis).input_value() for axis in ("#x", "#y")] == ["log_likelihood", "vendi"]
    expect(page.locator("#measure")).to_have_value("vendi")
    expect(page.locator("#measure option[value=log_likelihood]")).to_be_enabled()


def test_a_rectangle_selects_only_by_its_own_measures(explore: Explore) -> None:
    page = explore("view=scatter", "mixed")
    page.get_by_label("X axis, to").fill("-2.1")
    page.keyboard.press("Enter")
    expect(page.locator("#n-cells")).to_have_text("4 of 24 settings selected")
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(page.locator("#n-cells")).to_have_text("6 of 6 settings")
    page.get_by_label("Model", exact=True).select_option("SmolLM2-135M-Instruct")
    expect(page.locator("#n-cells")).to_have_text("4 of 24 settings selected")
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    page.get_by_label("X axis, to").fill("0.1")
    page.keyboard.press("Enter")
    expect(page.locator("#n-cells")).to_have_text("3 of 6 settings selected")


def test_what_is_not_known_is_not_said(explore: Explore) -> None:
    page = explore(OTHERS, "mixed")
    assert about(page, 2) == ""
    page.locator(".side").nth(1).get_by_text("Configuration and code").click()
    expect(page.locator(".side").nth(1).locator("dl")).to_have_text(re.compile("Tokens\N{EN DASH}Coherence"))
    expect(page.locator("#code-2")).to_contain_text("max_tokens=None,")
    for kind, unsaid in (("Command line", " -n "), ("curl", "max_tokens")):
        page.locator(".side").nth(1).locator(".segments").get_by_text(kind, exact=True).click()
        expect(page.locator("#code-2")).not_to_contain_text(unsaid)
    expect(page.locator("#page-2")).not_to_have_attribute("href", re.compile("length"))
    page.get_by_label("Model", exact=True).select_option("SmolLM2-135M-Instruct")
    expect(page.locator("#page-2")).to_have_attribute("href", re.compile("length=64"))
    assert about(page, 2).startswith("40 tokens \N{MIDDLE DOT} ended by itself")


def test_a_label_has_only_what_tells_settings_of_its_block_apart(explore: Explore) -> None:
    page = explore(OTHERS, "mixed")
    expect(summary(page, 2)).to_have_text("A 0.2")
    page.get_by_label("Model", exact=True).select_option("SmolLM2-135M-Instruct")
    expect(summary(page, 2)).to_have_text(re.compile("^A 0.2 \N{MIDDLE DOT} middle \N{MIDDLE DOT} isotropic$"))


#
# narrow windows
#


def is_in_view(page: Page, selector: str) -> bool:
    return bool(
        page.locator(selector).evaluate(
            "node => { const { top } = node.getBoundingClientRect(); return top >= 0 && top < innerHeight; }"
        )
    )


def test_on_a_phone_a_tap_on_a_cell_brings_its_text_into_view_and_a_link_leads_back(explore: Explore) -> None:
    page = explore(**PHONE)
    cell(page, "V 0.8").tap()
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
    assert is_in_view(page, "#text-2")
    page.locator(".side").nth(1).get_by_role("link", name="Find").tap()
    expect(page.locator("#finder")).to_be_focused()
    assert is_in_view(page, "#finder-title")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))


def test_with_keys_the_cell_stays_in_view(explore: Explore) -> None:
    page = explore(**PHONE)
    cell(page, "V 0.8").focus()
    page.keyboard.press("Enter")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
    expect(cell(page, "V 0.8")).to_be_focused()
    assert is_in_view(page, "#map tbody tr:nth-child(2)")


def test_the_link_to_the_texts_leaves_the_address_as_it_is(explore: Explore) -> None:
    page = explore("2.site=V&2.dose=0.8")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#sides")).to_be_focused()
    expect(text(page, 2)).not_to_be_empty()
    assert "sides" not in page.url
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
