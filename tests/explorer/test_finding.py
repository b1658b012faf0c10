"""Finding texts: on the map, in the plot, by their words, among favourites."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from support.explorer_data import DOSED_TEXT
from support.exploring import Explore, cell, dose, expect, summary, text, view

if TYPE_CHECKING:
    from playwright.sync_api import Page


#
# map
#


def test_a_cell_of_the_map_shows_its_texts(explore: Explore) -> None:
    page = explore()
    cell(page, "V 0.8").click()
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
    expect(cell(page, "V 0.8")).to_have_attribute("aria-current", "true")
    page.locator("#actives").get_by_text("first").click()
    cell(page, "temperature 1.2").click()
    expect(summary(page, 1)).to_have_text("temperature 1.2")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))


def test_the_map_shows_what_was_measured(explore: Explore) -> None:
    page = explore()
    expect(cell(page, "A 0.35")).to_have_text("\N{MINUS SIGN}1.70")
    # only of doses: samplers can be far away
    expect(page.locator("#map-means")).to_contain_text(
        "From \N{MINUS SIGN}2.60 (faint) to \N{MINUS SIGN}1.10 (strong)."
    )
    expect(page.locator("#map tbody th")).to_have_text(["H", "V", "A"])
    expect(page.locator("#map thead th")).to_have_text(["rad", "0.05", "0.1", "0.2", "0.35", "0.4", "0.5", "0.8"])
    page.locator("#measure").select_option(label="Diversity (1 \N{MINUS SIGN} self-BLEU)")
    expect(cell(page, "A 0.8")).to_have_text("0.40")
    expect(page.locator("#measure")).not_to_contain_text("Distinct words")  # they were not measured

    depths = [
        cell(page, name).evaluate("node => getComputedStyle(node).backgroundColor") for name in ("A 0.1", "A 0.8")
    ]
    assert depths[0] != depths[1]


def test_the_map_is_of_the_profile_and_the_noise_that_are_shown(explore: Explore) -> None:
    page = explore()
    expect(page.locator("#map .cell")).to_have_count(12)
    page.locator("#profile-2").select_option("middle")
    expect(page.locator("#map .cell")).to_have_count(5)


def test_arrow_keys_go_over_the_map_and_past_what_is_missing(explore: Explore) -> None:
    page = explore()
    cell(page, "H 0.2").focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "V 0.2")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "V 0.4")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "V 0.8")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "V 0.8")).to_be_focused()
    page.keyboard.press("Enter")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
    expect(cell(page, "V 0.8")).to_be_focused()


#
# plot
#


def draw(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draw a rectangle in the plot, in parts of its width and height."""
    page.locator("#plot").scroll_into_view_if_needed()
    box = page.locator("#plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(box["x"] + right * box["width"], box["y"] + bottom * box["height"])
    page.mouse.up()


def test_a_rectangle_selects_settings_everywhere(explore: Explore) -> None:
    page = explore("view=scatter")
    expect(page.locator("#n-cells")).to_have_text("24 of 24 settings")
    draw(page, 0.13, 0.02, 0.6, 0.5)
    expect(page.locator("#n-cells")).to_have_text(re.compile("^[1-9] of 24 settings selected"))
    rows = page.locator("#cells th").all_text_contents()
    assert "A 0.8 · all · isotropic" in rows
    assert "A 0.1 · all · isotropic" not in rows
    view(page, "Map")
    expect(cell(page, "A 0.1")).to_have_class(re.compile("outside"))
    expect(cell(page, "A 0.8")).not_to_have_class(re.compile("outside"))
    view(page, "Search")
    page.get_by_label("Words to find").fill("nobody looked")
    expect(page.locator("#found")).to_have_text("0 texts among the selected settings")
    view(page, "Plot")
    page.get_by_role("button", name="Select all").click()
    expect(page.locator("#n-cells")).to_have_text("24 of 24 settings")
    view(page, "Search")
    expect(page.locator("#found")).to_have_text("1 text")


def test_a_rectangle_is_four_numbers_without_a_mouse(explore: Explore) -> None:
    page = explore("view=scatter")
    page.get_by_label("X axis, to").fill("-2.1")
    page.keyboard.press("Enter")
    expect(page.locator("#n-cells")).to_have_text("4 of 24 settings selected")
    page.locator("#cells button").first.press("Enter")
    expect(summary(page, 2)).to_have_text("temperature 1.2")
    expect(page.locator("#cells button").first).to_be_focused()


def test_a_point_shows_its_texts(explore: Explore) -> None:
    page = explore("view=scatter&2.site=H&2.dose=0.1")
    page.locator("#plot").scroll_into_view_if_needed()
    box = page.locator("#plot .point.sampler").last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    expect(page.get_by_role("tooltip")).to_have_text("temperature 1.2")
    page.mouse.down()
    page.mouse.up()
    expect(summary(page, 2)).to_have_text("temperature 1.2")
    expect(page.locator("#plot .current")).to_have_count(1)  # the sober setting has no diversity


def test_other_axes(explore: Explore) -> None:
    page = explore("view=scatter")
    expect(page.locator("#y option")).to_have_text(
        ["Diversity (Vendi score)", "Diversity (1 \N{MINUS SIGN} self-BLEU)", "Coherence", "Length", "Texts"]
    )
    page.locator("#x").select_option(label="Length")
    expect(page.locator("#plot text").first).to_have_text(re.compile("^40|^39"))
    expect(page.locator("#cells-x")).to_have_text("Length")


#
# search
#


def test_search_finds_and_jumps(explore: Explore) -> None:
    page = explore("view=search")
    page.get_by_label("Words to find").fill("SLEPT  for a")
    expect(page.locator("#found")).to_have_text("1 text")
    expect(page.locator("#results mark")).to_have_text("slept for a")
    page.get_by_label("in all models").check()
    expect(page.locator("#found")).to_have_text("4 texts")
    page.locator("#results button").last.click()
    expect(page.get_by_label("Model", exact=True)).to_have_value("Other-1B")
    expect(text(page, 2)).to_have_text(DOSED_TEXT)
    page.get_by_label("Words to find").fill("(.*)")
    expect(page.locator("#found")).to_have_text("0 texts")
    page.get_by_label("Words to find").fill("the")
    expect(page.locator("#found")).to_have_text(re.compile("^[0-9]+ texts, showing the first 100"))
    expect(page.locator("#results li")).to_have_count(100)


#
# favourites
#


def test_favourites_and_notes_stay_and_can_be_taken_elsewhere(explore: Explore, tmp_path: Path) -> None:
    page = explore()
    page.locator("#favourite-2").click()
    expect(page.locator("#favourite-2")).to_have_attribute("aria-pressed", "true")
    view(page, "Favourites")
    page.get_by_label("Note on favourite 1").fill("calm, 'and' <b>strange</b>")
    expect(page).to_have_url(re.compile("view=favourites"))
    page.reload()
    expect(page.locator("#favourite-2")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Note on favourite 1")).to_have_value("calm, 'and' <b>strange</b>")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / "favourites.json"
    download.value.save_as(file)
    (one,) = json.loads(file.read_text(encoding="utf-8"))["favourites"]
    assert (one["site"], one["dose"], one["seed"], one["text"]) == ("A", 0.35, 1, DOSED_TEXT)
    assert one["note"] == "calm, 'and' <b>strange</b>"

    other = explore("view=favourites&2.site=H")
    expect(other.locator("#favourites li")).to_have_count(0)
    other.locator("#import-favourites").set_input_files(file)
    other.locator("#favourites .found").click()
    expect(text(other, 2)).to_have_text(DOSED_TEXT)
    other.locator("#import-favourites").set_input_files(file)
    expect(other.locator("#status")).to_have_text("Read 1 favourite")
    expect(other.locator("#favourites li")).to_have_count(1)
    other.get_by_role("button", name="Remove").click()
    expect(other.locator("#favourites li")).to_have_count(0)
    expect(other.locator("#favourite-2")).to_have_attribute("aria-pressed", "false")


def test_a_file_without_favourites_says_so(explore: Explore, tmp_path: Path) -> None:
    page = explore("view=favourites")
    for number, content in enumerate(["{", "[]", "null", '{"format": 1, "favourites": [{"text": 3}]}']):
        file = tmp_path / f"wrong-{number}.json"
        file.write_text(content, encoding="utf-8")
        page.locator("#import-favourites").set_input_files(file)
        expect(page.locator("#notice")).to_have_text(re.compile(f"wrong-{number}.json cannot be read"))
        page.get_by_role("button", name="Dismiss").click()
        expect(page.locator("#notice")).to_be_hidden()


def test_the_slider_does_not_draw_the_map_again(explore: Explore) -> None:
    page = explore()
    page.evaluate("document.querySelector('#map table').kept = true")
    dose(page, 2).press("ArrowLeft")
    expect(cell(page, "A 0.2")).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.querySelector('#map table').kept") is True
