"""Doses by their effect, and how sure an answer is."""

from __future__ import annotations

from support.browsing import SHORT, Open, expect, send, sent
from support.program import Server


def test_a_word_sets_the_doses_that_the_server_found(open_page: Open, server: Server) -> None:
    effects = server.get("/props").json["drugs"]["effects"]
    assert list(effects) == ["mild", "medium", "strong"]
    page = open_page("view=chat&H=0.3&hold=text&" + SHORT)
    expect(page.locator("#advanced")).to_have_attribute("open", "")  # what is dosed is not one of the words
    page.get_by_role("button", name="Medium").click()
    expect(page.locator("#presets [aria-pressed=true]")).to_have_text("Medium")
    page.get_by_label("Dose at V in radians").fill("0.1")
    expect(page.locator("#presets [aria-pressed=true]")).to_have_count(0)
    page.get_by_role("button", name="Medium").click()
    requests = sent(page)
    send(page)
    drugs = requests[0]["drugs"]
    assert drugs["A"] == float(f"{effects['medium']['doses']['A']:.4g}")
    assert not {"H", "V", "hold"} & set(drugs)


def test_a_word_that_is_not_allowed_is_not_offered(open_page: Open, server: Server) -> None:
    props = server.get("/props").json
    del props["drugs"]["effects"]["strong"]
    page = open_page(SHORT, {"**/props": lambda route: route.fulfill(json=props)})
    expect(page.get_by_role("button", name="medium")).to_be_visible()
    expect(page.get_by_role("button", name="strong")).to_have_count(0)


def test_a_sober_answer_says_how_sure_it_is(open_page: Open) -> None:
    page = open_page("view=side&A=0.5&" + SHORT)
    send(page)
    mark = page.get_by_role("button", name="How sure?")
    expect(mark).to_have_count(1)
    mark.click()
    mark = page.get_by_role("button", name="% sure")
    expect(mark).to_be_visible()
    others = page.locator(".sureness li")
    expect(others.first).to_be_hidden()
    mark.click()
    expect(others.first).to_be_visible()
    counts = [int((text or "").split(" ")[0]) for text in others.all_text_contents()]
    assert sum(counts) == 10
    mark.click()
    expect(others.first).to_be_hidden()


def test_what_stands_in_the_way_is_said_in_its_place(open_page: Open) -> None:
    answer = {"error": {"message": "the server is tired", "code": 503}}

    def refuse(route) -> None:  # type: ignore[no-untyped-def]
        asked = route.request.post_data_json
        route.fulfill(status=503, json=answer) if "uncertainty" in asked else route.continue_()

    page = open_page("view=side&" + SHORT, {"**/v1/chat/completions": refuse})
    send(page)
    page.get_by_role("button", name="How sure?").click()
    expect(page.get_by_role("button", name="the server is tired")).to_be_visible()
