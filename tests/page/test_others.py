"""What a dose has besides its angle: hold, course, kinds and the prompt, on the page and in its address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from support.browsing import SHORT, SOBER, Open, ask_again, expect, send, sent, streamed, unfold
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: seeing what is sent does not require a model
CALM = {"**/v1/chat/completions": streamed("The sea was calm.")}

COURSE = {"points": [{"token": 0, "ratio": 1}, {"token": 40, "ratio": 0.2}], "mode": "floor"}

#: all settings of this kind in an address, and in a request
ADDRESS = (
    "A=0.2&M=0.1&A.hold=text&H.hold=8&layers=shared&course=floor_40_0.2_0_1&angle=half-normal&turn=nlerp&apart=2"
    "&dose_inputs=last"
)
OTHERS: dict[str, Any] = {
    "hold": {"A": "text", "H": 8},
    "layers": "shared",
    "course": COURSE,
    "angle": "half-normal",
    "turn": "nlerp",
    "apart": 2,
    "dose_inputs": "last",
}
NAMES = set(OTHERS) - {"dose_inputs"}


def drugs_sent(page: Page) -> Any:
    """The field "drugs" of the dosed request for the pending message, or for the last one again."""
    requests = sent(page)
    if page.locator(".turn").count():
        ask_again(page)
    else:
        send(page)
    return requests[-1]["drugs"]


def test_what_is_chosen_is_sent(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT, CALM)
    usual = drugs_sent(page)
    assert not NAMES & set(usual)
    assert usual["dose_inputs"] is False

    page.get_by_label("Dose at M in radians").fill("0.1")
    page.get_by_label("Hold", exact=True).select_option("n tokens")
    page.get_by_label("Tokens to hold").fill("16")
    page.get_by_label("Dose the prompt").select_option("its last position")
    unfold(page, "More")
    page.get_by_label("Angle", exact=True).select_option("fixed")
    page.get_by_label("Turn", exact=True).select_option("addition")
    page.get_by_label("Layers", exact=True).select_option("shared")
    page.get_by_label("Course", exact=True).fill("40 : .2, 0:1")
    page.get_by_label("How the course goes").select_option("floor")
    drugs = drugs_sent(page)
    chosen = {"M": 0.1, "hold": 16, "dose_inputs": "last", "angle": "fixed", "turn": "addition", "layers": "shared"}
    assert drugs == {**usual, **chosen, "course": COURSE}

    page.get_by_label("Dose at M in radians").fill("0")
    page.get_by_label("Hold", exact=True).select_option("fresh for each token")
    page.get_by_label("Dose the prompt").select_option("no")
    page.get_by_label("Angle", exact=True).select_option("uniform")
    page.get_by_label("Turn", exact=True).select_option("rotation")
    page.get_by_label("Layers", exact=True).select_option("own")
    page.get_by_label("Course", exact=True).fill("")
    assert drugs_sent(page) == usual
    for at, sent_value in (("the whole text", "text"), ("n tokens", 8)):
        page.get_by_label("Hold", exact=True).select_option(at)
        assert drugs_sent(page)["hold"] == sent_value


def test_an_address_keeps_them_all(open_page: Open) -> None:
    page = open_page(f"view=chat&{ADDRESS}&{SHORT}", CALM)
    drugs = drugs_sent(page)
    assert {name: drugs[name] for name in OTHERS} == OTHERS
    expect(page.locator(".answer header")).to_contain_text(
        "A 0.2 · M 0.1 · hold H 8, A text · layers shared · course 0:1, 40:0.2 (floor) · angle half-normal · turn nlerp"
        " · apart 2 · dose_inputs last · seed 3"
    )
    expect(page).to_have_url(re.compile("length=16&view=chat$"))
    again = open_page(page.url.split("#")[1] + "&prompt=Again", CALM)
    assert drugs_sent(again) == drugs


def test_an_address_leaves_out_what_is_as_usual(open_page: Open) -> None:
    page = open_page(f"view=chat&{ADDRESS}&{SHORT}", CALM)
    page.get_by_label("Hold", exact=True).select_option("fresh for each token")
    page.get_by_label("Dose the prompt").select_option("no")
    while page.locator("#others button").count():
        page.locator("#others button").first.click()
    expect(page).to_have_url(re.compile(r"#A=0\.2&M=0\.1&seed=3&length=16&view=chat&prompt=[^&]*$"))


@pytest.mark.parametrize(
    "at",
    [
        "hold=0&layers=both&course=interpolate_0_1_0_2&angle=right&turn=up&apart=0&dose_inputs=maybe&A.hold=1.5",
        "hold=all&course=interpolate_1.5_1&apart=-1&dose_inputs=",
        "hold=&course=0_1&apart=x",
        "course=interpolate_0_-1&Z.hold=text&layers=&angle=&turn=",
        "course=up_0_1&hold=3000000000",
    ],
)
def test_what_makes_no_sense_in_an_address_is_as_usual(open_page: Open, at: str) -> None:
    drugs = drugs_sent(open_page(f"view=chat&A=0.2&{at}&{SHORT}", CALM))
    assert not NAMES & set(drugs)
    assert drugs["dose_inputs"] is False


def test_a_hold_by_site_stays_until_another_is_chosen(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&pK.hold=text&A.hold=8&" + SHORT, CALM)
    hold = page.get_by_label("Hold", exact=True)
    expect(hold.locator("option:checked")).to_have_text("by site: A 8, pK text")
    page.get_by_label("Dose at H in radians").fill("0.1")
    assert drugs_sent(page)["hold"] == {"A": 8, "pK": "text"}
    hold.select_option("the whole text")
    assert drugs_sent(page)["hold"] == "text"
    assert hold.evaluate("node => Array.from(node.options, ({ hidden }) => hidden)") == [False, False, False, True]


def test_what_an_address_brings_is_seen_and_can_be_taken_back(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&apart=2&course=ceil_0_1_40_0.2&turn=nlerp&noise=isotropic&" + SHORT, CALM)
    expect(page.locator("#more")).not_to_have_attribute("open", "")
    others = page.locator("#others button")
    expect(others).to_contain_text(["course 0:1, 40:0.2 (ceil)", "turn nlerp", "apart 2"])
    page.get_by_role("button", name="Remove apart 2").click()
    expect(others).to_have_count(2)
    page.get_by_role("button", name="Remove course").press("Enter")
    expect(others).to_be_focused()
    unfold(page, "More")
    expect(page.get_by_label("Course", exact=True)).to_have_value("")
    drugs = drugs_sent(page)
    assert NAMES & set(drugs) == {"turn"}
    others.click()
    expect(page.locator("#others")).to_be_hidden()


def test_a_course_that_is_none_is_ignored_and_replaced(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&course=interpolate_0_1_8_0&" + SHORT, CALM)
    unfold(page, "More")
    course = page.get_by_label("Course", exact=True)
    expect(course).to_have_value("0:1, 8:0")
    for wrong in ("0:1, 8", "0:1, 0:2", "1.5:1", "0:-1", "all"):
        course.fill(wrong)
        expect(course).to_have_attribute("aria-invalid", "true")
    course.blur()
    expect(course).to_have_value("0:1, 8:0")
    expect(course).to_have_attribute("aria-invalid", "false")
    assert drugs_sent(page)["course"]["points"] == [{"token": 0, "ratio": 1}, {"token": 8, "ratio": 0}]


@pytest.mark.parametrize("at", ["course=interpolate_0_0_8_0", "A.shape=ceil_0_0"])
def test_a_dose_that_is_never_given_is_sober(open_page: Open, at: str) -> None:
    page = open_page(f"view=chat&A=0.2&{at}&{SHORT}", CALM)
    requests = sent(page)
    send(page)
    assert (requests[0]["drugs"], requests[0]["temperature"]) == (SOBER, 0)


def test_the_doses_that_a_server_was_started_with_are_kept(open_page: Open, server: Server) -> None:
    props = server.get("/props").json
    others = {name: value for name, value in OTHERS.items() if name != "dose_inputs"}
    props["drugs"]["dosage"] = {
        "A": 0.2,
        "multiplier": 0.5,
        **others,
        "noise": "isotropic",
        "sink": 6,
        "dose_inputs": "last",
        "sober_interval": 99,
    }
    page = open_page("view=chat&" + SHORT, {"**/props": lambda route: route.fulfill(json=props), **CALM})
    assert drugs_sent(page) == {"A": 0.1, **OTHERS, "noise": "isotropic", "seed": 3, "sober_interval": 99}


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("turn=elementwise&K=0.2", "turn elementwise is not possible at K and V"),
        ("turn=elementwise&A=0.2&angle=fixed", "turn elementwise draws its own numbers"),
        ("turn=addition&noise=reference&V=0.2", "turn addition is not possible at K and V with noise reference"),
        ("apart=1&K=0.2", "apart is not possible at K and V"),
    ],
)
def test_what_does_not_go_together_is_said_by_the_server(open_page: Open, at: str, message: str) -> None:
    page = open_page(f"view=chat&{at}&{SHORT}")
    send(page)
    expect(page.locator(".turn [role=alert]")).to_contain_text(f"Field 'drugs': {message}")


def test_the_server_takes_them_all(open_page: Open) -> None:
    page = open_page(f"view=chat&{ADDRESS}&{SHORT}")
    send(page)
    expect(page.locator(".turn [role=alert]")).to_be_hidden()
    expect(page.locator(".answer.dosed")).to_have_count(1)
    expect(page.locator(".answer.dosed .state")).to_have_text(re.compile("^(cut off at the maximum length|)$"))


def test_every_choice_explains_itself(open_page: Open) -> None:
    page = open_page(SHORT)
    options = page.locator("#controls .choice option, #course-mode option")
    assert options.count() > 15
    for option in options.all():
        assert len(option.get_attribute("title") or "") > 20
    unfold(page, "Advanced")
    page.get_by_label("Dose the prompt").select_option("all of it")
    expect(page.get_by_label("Dose the prompt")).to_have_attribute("title", re.compile("^All of the prompt"))
