"""Doses, their profiles and all other settings, with mouse, keyboard and touch."""

from __future__ import annotations

import pytest

from support.browsing import SHORT, SOBER, Open, ask_again, expect, profile, send, sent, unfold
from support.program import Server


def test_what_is_set_is_what_is_sent(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    unfold(page, "Advanced")
    page.get_by_label("Dose at A, attention output").fill("0")
    page.get_by_label("Dose at H, attention input").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Dose at pV in radians").fill("0.37")
    page.get_by_label("Dose at pV in radians").blur()
    expect(page.get_by_label("Dose at pV, values as kept")).to_have_value("0.37")
    unfold(page, "More")
    page.get_by_label("reference").check()
    page.get_by_label("Dose the prompt").select_option("all of it")
    page.get_by_label("Sober interval").fill("100")
    requests = sent(page)
    send(page)
    drugs = {"H": 0.015, "pV": 0.37, "seed": 3, "noise": "reference", "dose_inputs": True, "sober_interval": 100}
    assert requests[0]["drugs"] == drugs


def test_without_a_dose_everything_is_sober(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    page.get_by_role("button", name="Sober", exact=True).click()
    requests = sent(page)
    send(page)
    assert (requests[0]["drugs"], requests[0]["temperature"]) == (SOBER, 0)


def test_every_site_explains_itself(open_page: Open) -> None:
    page = open_page(SHORT)
    expect(page.locator(".site")).to_have_count(8)
    for slider in page.get_by_role("slider").all():
        described = slider.get_attribute("aria-describedby") or ""
        assert len(page.locator(f"#{described}").text_content() or "") > 20
        assert slider.get_attribute("title")


def test_only_the_sites_of_the_model_are_there(open_page: Open, server: Server) -> None:
    props = server.get("/props").json
    props["drugs"].update(dose_max=0.5, sites={"isotropic": ["Q", "A"], "reference": ["A"]})
    page = open_page(SHORT, {"**/props": lambda route: route.fulfill(json=props)})
    unfold(page, "Advanced")
    expect(page.locator(".site:visible label b")).to_have_text(["Q", "A"])
    expect(page.get_by_label("Dose at A, attention output")).to_have_attribute("max", "0.5")
    unfold(page, "More")
    page.get_by_label("reference").check()
    expect(page.locator(".site:visible label b")).to_have_text(["A"])


def test_dice_draw_a_new_seed(open_page: Open) -> None:
    page = open_page(SHORT)
    seed = page.get_by_label("Seed", exact=True)
    expect(seed).to_have_value("3")
    seen = {"3"}
    for _ in range(4):
        page.get_by_role("button", name="Draw a new seed").click()
        seen.add(seed.input_value())
    assert len(seen) >= 4


#
# profiles
#


def test_a_profile_drawn_with_the_mouse_changes_the_request(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    editor = profile(page)
    box = editor.locator(".area").bounding_box()
    assert box is not None
    bottom = box["y"] + box["height"]
    page.mouse.click(box["x"] + box["width"] * 0.25, bottom)
    page.mouse.move(box["x"] + box["width"] * 0.75, bottom)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, bottom - box["height"] * 2 / 3, steps=4)
    page.mouse.up()
    editor.get_by_role("combobox").select_option("floor")
    requests = sent(page)
    send(page)
    shape = requests[0]["drugs"]["shape"]["A"]
    assert shape["mode"] == "floor"
    first, second = shape["points"]
    assert (first["depth"], first["peakratio"]) == (pytest.approx(0.25, abs=0.02), pytest.approx(0, abs=0.03))
    assert (second["depth"], second["peakratio"]) == (pytest.approx(0.5, abs=0.02), pytest.approx(1, abs=0.03))

    editor.locator(".point").nth(1).dblclick()
    expect(editor.locator(".point")).to_have_count(1)
    editor.get_by_role("button", name="Full dose").click()
    expect(editor.locator(".point")).to_have_count(0)
    ask_again(page)
    assert "shape" not in requests[1]["drugs"]


def test_a_profile_drawn_with_the_keyboard(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    editor = profile(page)
    editor.get_by_role("button", name="Add point").press("Enter")
    expect(editor.get_by_role("slider")).to_be_focused()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(editor.get_by_role("slider")).to_have_attribute("aria-valuetext", "depth 0.41, ratio 0.95")
    editor.get_by_role("button", name="Add point").press("Enter")
    expect(editor.get_by_role("slider")).to_have_count(2)
    page.keyboard.press("Delete")
    expect(editor.get_by_role("slider")).to_have_count(1)
    requests = sent(page)
    send(page)
    points = [{"depth": 0.41, "peakratio": 0.95}]
    assert requests[0]["drugs"]["shape"] == {"A": {"points": points, "mode": "interpolate"}}


def test_a_profile_drawn_with_a_finger(open_page: Open) -> None:
    page = open_page(SHORT, has_touch=True)
    editor = profile(page)
    editor.locator(".plot").tap(position={"x": 120, "y": 60})
    expect(editor.locator(".point")).to_have_count(1)
    editor.get_by_role("button", name="Delete point").tap()
    expect(editor.locator(".point")).to_have_count(0)


def test_a_dose_is_at_most_half_a_turn_and_a_strong_one_is_warned_of(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    number = page.get_by_label("Dose at A in radians")
    warning = page.locator(".site:visible .warning:visible")
    number.fill("1")
    expect(warning).to_have_count(0)
    number.fill("1.2")
    expect(warning).to_have_text("Above 1 radian most models write nonsense.")
    number.fill("5")
    number.blur()
    expect(number).to_have_value("3.14159")
    requests = sent(page)
    send(page)
    assert requests[0]["drugs"]["A"] == 3.14159
