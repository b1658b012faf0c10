"""Samplers beside the doses."""

from __future__ import annotations

import re

from support.browsing import SHORT, SOBER, Open, expect, send, sent, streamed, unfold

CALM = {"**/v1/chat/completions": streamed("The sea was calm.")}


def test_a_temperature_is_sent_with_the_other_samplers(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, CALM)
    unfold(page, "More")
    page.get_by_label("Temperature").fill("0.7")
    page.get_by_label("Top-p").fill("0.9")
    page.get_by_label("Min-p").fill("0.05")
    page.get_by_label("Top-k").fill("40")
    requests = sent(page)
    send(page)
    sampler = {"temperature": 0.7, "top_p": 0.9, "min_p": 0.05, "top_k": 40, "seed": 3}
    for request in requests:
        assert {name: request[name] for name in sampler} == sampler
    assert requests[0]["drugs"] == SOBER
    assert requests[1]["drugs"]["A"] == 0.2
    expect(page).to_have_url(re.compile(r"temperature=0\.7&top_p=0\.9&min_p=0\.05&top_k=40"))


def test_an_address_sets_them(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&temperature=0.5&top_p=2&min_p=x&top_k=-1&" + SHORT, CALM)
    requests = sent(page)
    send(page)
    assert {name: requests[0][name] for name in ("temperature", "top_p", "min_p", "top_k")} == {
        "temperature": 0.5,
        "top_p": 1,
        "min_p": 0,
        "top_k": 0,
    }


def test_without_a_temperature_the_most_likely_token_is_taken(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&top_p=0.5&" + SHORT, CALM)
    requests = sent(page)
    send(page)
    assert requests[0]["temperature"] == 0
    assert not {"temperature", "top_p", "seed"} & set(requests[1])


def test_a_sampler_without_a_dose_has_other_texts(open_page: Open) -> None:
    page = open_page("view=chat&A=0&temperature=1&" + SHORT, CALM)
    send(page)
    expect(page.locator(".answer header")).to_contain_text("temperature 1 · sampler seed 3")
    page.get_by_role("button", name="Another with a new seed").click()
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("3")
