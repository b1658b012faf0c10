"""Choosing models, prompts, sites, doses and seeds; what does not exist; the address that contains it all."""

from __future__ import annotations

import re

from support.explorer_data import DOSED_TEXT, SOBER_TEXT
from support.exploring import Explore, dose, expect, seed, summary, text, view


def test_at_first_the_sober_text_stands_beside_a_dosed_one(explore: Explore) -> None:
    page = explore()
    expect(text(page, 1)).to_have_text(SOBER_TEXT)
    expect(text(page, 2)).to_have_text(DOSED_TEXT)
    expect(summary(page, 2)).to_have_text("A 0.35 · all · isotropic")
    assert page.title() == "A small sweep · DRµGS"


def test_each_side_has_a_dose_and_a_seed(explore: Explore) -> None:
    page = explore()
    dose(page, 2).press("ArrowRight")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.5 "))
    expect(dose(page, 2)).to_have_attribute("aria-valuetext", "0.5 rad")
    before = text(page, 2).text_content()
    seed(page, 2, 3)
    expect(text(page, 2)).not_to_have_text(before or "")
    page.locator("#site-1").select_option("V")
    expect(summary(page, 1)).to_have_text(re.compile("V 0.4 "))
    expect(summary(page, 2)).to_have_text(re.compile("A 0.5 "))


def test_a_dose_that_a_site_lacks_becomes_the_nearest_and_comes_back(explore: Explore) -> None:
    page = explore()
    page.locator("#site-2").select_option("H")
    expect(summary(page, 2)).to_have_text(re.compile("H 0.2 "))
    expect(page.locator("#elsewhere-2")).to_have_text("Not available here: dose 0.35. This is the nearest.")
    page.locator("#site-2").select_option("V")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.4 "))
    page.locator("#site-2").select_option("A")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.35 "))
    expect(page.locator("#elsewhere-2")).to_be_empty()


def test_a_profile_that_a_site_lacks_does_not_keep_one_from_choosing_it(explore: Explore) -> None:
    page = explore()
    page.locator("#profile-2").select_option("middle")
    expect(summary(page, 2)).to_have_text("A 0.35 · middle · isotropic")
    page.locator("#site-2").select_option("V")
    expect(summary(page, 2)).to_have_text("V 0.4 · all · isotropic")
    expect(page.locator("#profile-2")).to_be_hidden()


def test_what_was_changed_last_counts_most(explore: Explore) -> None:
    page = explore("2.site=A&2.dose=0.35&2.profile=middle")
    expect(summary(page, 2)).to_have_text("A 0.35 · middle · isotropic")
    page.locator("#noise-2").select_option("reference")
    expect(summary(page, 2)).to_have_text("A 0.35 · all · reference")
    page.locator("#profile-2").select_option("middle")
    expect(summary(page, 2)).to_have_text("A 0.35 · middle · isotropic")


def test_another_model_keeps_what_it_has(explore: Explore) -> None:
    page = explore()
    dose(page, 2).press("Home")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.1 "))
    seed(page, 2, 2)
    page.get_by_label("Quantization").select_option("Q8_0")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.1 "))
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(page.get_by_label("Quantization")).to_have_value("Q4_1")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.35 "))
    expect(page.locator("#elsewhere-2")).to_have_text(re.compile("dose 0.1"))
    expect(page.locator("#seed-2, [name=seed-2]:checked")).to_have_value("2")
    page.get_by_label("Model", exact=True).select_option("SmolLM2-135M-Instruct")
    expect(summary(page, 2)).to_have_text(re.compile("A 0.1 "))


def test_a_prompt_that_the_model_lacks_goes_to_one_that_has_it(explore: Explore) -> None:
    page = explore("prompt=sea")
    expect(page.locator("#prompt-text")).to_have_text("The sea was")
    page.get_by_label("Quantization").select_option("Q8_0")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("lighthouse")


def test_samplers_have_a_slider_of_their_own(explore: Explore) -> None:
    page = explore()
    page.locator("#site-1").select_option("sampler")
    expect(summary(page, 1)).to_have_text("temperature 0.5")
    dose(page, 1).press("End")
    expect(summary(page, 1)).to_have_text("temperature 1.2")
    expect(page.locator("#profile-1")).to_be_hidden()
    page.locator("#site-1").select_option("sober")
    expect(dose(page, 1)).to_be_hidden()


def test_swap(explore: Explore) -> None:
    page = explore()
    page.get_by_role("button", name="Swap").click()
    expect(text(page, 1)).to_have_text(DOSED_TEXT)
    expect(text(page, 2)).to_have_text(SOBER_TEXT)


def test_a_side_keeps_its_model_while_another_is_chosen_for_the_other(explore: Explore) -> None:
    page = explore("1.site=A&1.dose=0.8&1.seed=2&2.site=A&2.dose=0.8&2.seed=2")
    kept = text(page, 1).text_content() or "-"
    page.locator("#keep-1").click()
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(text(page, 2)).not_to_have_text(kept)
    expect(text(page, 1)).to_have_text(kept)
    expect(page.locator(".side").first.locator(".whose")).to_have_text("SmolLM2-135M-Instruct · Q4_1 · lighthouse")
    expect(page.locator("#map [data-side]")).to_have_attribute("data-side", "2")
    page.locator("#site-1").select_option("V")
    expect(summary(page, 1)).to_have_text("V 0.8 · all · isotropic")  # the other model has no V
    expect(page.locator("#site-2 option")).not_to_contain_text(["V"])
    expect(page).to_have_url(re.compile("1.site=V.*1.model=SmolLM2"))

    shared = explore(page.url.split("#")[1])
    expect(text(shared, 1)).to_have_text(text(page, 1).text_content() or "-")
    expect(text(shared, 2)).to_have_text(text(page, 2).text_content() or "-")
    shared.locator("#keep-1").click()
    expect(summary(shared, 1)).to_have_text("A 0.8 · all · isotropic")
    expect(shared.locator(".side").first.locator(".whose")).to_be_empty()


def test_the_address_holds_everything(explore: Explore) -> None:
    page = explore()
    page.get_by_label("Quantization").select_option("Q8_0")
    page.locator("#profile-2").select_option("middle")
    page.locator("#site-1").select_option("H")
    page.locator("#noise-1").select_option("reference")
    seed(page, 1, 4)
    seed(page, 2, 2)
    view(page, "Plot")
    page.locator("#y").select_option(label="Diversity (1 \N{MINUS SIGN} self-BLEU)")
    page.get_by_label("X axis, from").fill("-1.9")
    page.get_by_label("X axis, from").press("Enter")
    page.locator("#actives").get_by_text("first").click()
    expect(page).to_have_url(re.compile("for=1.*brush="))

    shared = explore(page.url.split("#")[1])
    for side in (1, 2):
        expect(summary(shared, side)).to_have_text(summary(page, side).text_content() or "-")
        expect(text(shared, side)).to_have_text(text(page, side).text_content() or "-")
    expect(summary(shared, 1)).to_have_text("H 0.2 · all · reference")
    expect(shared.get_by_label("Quantization")).to_have_value("Q8_0")
    expect(shared.locator("#n-cells")).to_have_text(page.locator("#n-cells").text_content() or "-")
    expect(shared.locator("[name=active]:checked")).to_have_value("0")
    expect(shared.locator("#y")).to_have_value("self_bleu")


def test_an_address_is_followed_and_nonsense_in_it_is_not(explore: Explore) -> None:
    page = explore("model=none&2.site=A&2.dose=abc&2.seed=&view=none&brush=1_2&measure=none&for=7")
    expect(summary(page, 2)).to_have_text("A 0.35 · all · isotropic")
    expect(page.locator("#measure")).to_have_value("log_likelihood")
    page.evaluate("location.hash = '2.site=V&2.dose=0.79&2.seed=3'")
    expect(summary(page, 2)).to_have_text(re.compile("V 0.8 "))
    expect(page.locator("[name=seed-2]:checked")).to_have_value("3")


def test_findings_of_others_have_no_measures_and_can_be_read(explore: Explore) -> None:
    page = explore(site="imported")
    expect(text(page, 1)).to_have_text(SOBER_TEXT)
    expect(page.locator("#measure option")).to_have_text(["Texts"])
    expect(page.locator('#map [aria-label^="A 0.35"]')).to_have_text(re.compile("^4"))
    view(page, "Plot")
    expect(page.locator("#plot .point")).not_to_have_count(0)
    page.locator(".side").nth(1).get_by_text("Configuration and code").click()
    expect(page.locator(".side").nth(1).locator("dl")).to_contain_text("SHA-256\N{EN DASH}")


def test_texts_of_another_export_are_not_shown(explore: Explore) -> None:
    page = explore()
    page.evaluate("explorer.data.index.blocks[3].sum = 'another'")
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    expect(page.locator("#notice")).to_contain_text("data/texts-3.js is damaged, or belongs to another export.")


def test_a_file_that_is_missing_is_named(explore: Explore) -> None:
    page = explore(expected="ERR_FILE_NOT_FOUND")
    page.evaluate("explorer.data.index.blocks.push({ ...explorer.data.index.blocks[0], prompt: 1, model: 2 })")
    page.get_by_label("Model", exact=True).select_option("Other-1B")
    page.get_by_label("Prompt", exact=True).select_option("sea")
    expect(page.locator("#notice")).to_have_text(re.compile(r"data/texts-4\.js cannot be read"))
