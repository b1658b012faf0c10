"""Answers and variations: what is sent, what is shown while they are written, and how a conversation continues."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.browsing import (
    SHORT,
    SOBER,
    UNSEEDED,
    Open,
    answers,
    ask_again,
    expect,
    finish,
    send,
    sent,
    streamed,
    unfold,
)
from support.lighthouse import QUESTION, answer_of, choices_of
from support.patience import wait_until
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_a_newcomer_presses_send_and_sees_both_answers(open_page: Open, server: Server) -> None:
    page = open_page("")
    medium = float(f"{server.get('/props').json['drugs']['effects']['medium']['doses']['A']:.4g}")
    requests = sent(page)
    send(page)
    assert [request["drugs"].get("A") for request in requests] == [None, medium]
    assert requests[0]["temperature"] == 0
    assert requests[1]["drugs"]["dose_inputs"] == "last"
    assert "temperature" not in requests[1]
    for _ in range(20):  # seeds: some give the text of the sober model
        sober, dosed = answers(page)
        assert len(sober) > 40
        assert len(dosed) > 40
        if sober != dosed:
            break
        page.get_by_role("button", name="Draw a new seed").click()
        ask_again(page)
    assert sober != dosed
    expect(page.locator("#welcome")).to_be_hidden()


def test_the_policy_allows_nothing_from_elsewhere_and_no_script_in_the_page(open_page: Open) -> None:
    page = open_page(SHORT)
    refused = page.evaluate(
        """async () => {
            const tried = (action) => { try { return action(); } catch { return "refused"; } };
            tried(() => {
                const script = document.createElement("script");
                script.append("window.ran = true");
                document.head.append(script);
            });
            const html = tried(() => document.body.insertAdjacentHTML("beforeend", "<b></b>"));
            const fetched = await fetch("http://example.org/").catch(() => "refused");
            return [window.ran ?? "refused", html, fetched];
        }"""
    )
    assert refused == ["refused", "refused", "refused"]


#
# answers
#


WATCH = """() => {
    window.shown = [];
    const note = () => {
        const text = document.querySelector(".answer .text")?.textContent;
        if (text && text !== window.shown.at(-1)) {
            window.shown.push(text);
        }
    };
    new MutationObserver(note).observe(document.getElementById("turns"), { childList: true, subtree: true });
}"""


@pytest.mark.parametrize(
    ("angle", "fields"), [(0, {"drugs": SOBER, "temperature": 0}), (0.2, {"drugs": {"A": 0.2, "seed": 3}})]
)
def test_answers_stream_and_are_those_of_the_server(
    open_page: Open, server: Server, angle: float, fields: dict[str, Any]
) -> None:
    answer_of(server, **fields)  # both requests find the prompt in the cache
    for _ in range(10):  # a browser that gets little processor time shows an answer in few steps
        page = open_page(f"view=chat&A={angle}&" + SHORT.replace("length=16", "length=60"))
        page.evaluate(WATCH)
        send(page)
        (answer,) = answers(page)
        shown = page.evaluate("window.shown")
        if len(shown) > 2:
            break
    assert len(shown) > 2
    assert all(late.startswith(early) for early, late in zip(shown, shown[1:]))
    assert shown[-1] == answer == answer_of(server, **fields, max_tokens=60)


def test_differences_are_highlighted_word_by_word(open_page: Open, parting: str) -> None:
    page = open_page(f"{parting}&{UNSEEDED}")
    send(page)
    sober, dosed = page.locator(".answer.sober"), page.locator(".answer.dosed")
    assert dosed.locator(".token.differs").count() > 0
    assert sober.locator(".token.differs").count() > 0
    unmarked = [answer.locator(".text > :not(.differs)").all_text_contents() for answer in (sober, dosed)]
    assert "".join(unmarked[0]).split() == "".join(unmarked[1]).split()
    assert unmarked[0]


def test_the_same_answers_have_no_highlight(open_page: Open) -> None:
    page = open_page(SHORT, {"**/v1/chat/completions": streamed("The sea was calm.")})
    send(page)
    assert answers(page) == ["The sea was calm."] * 2
    expect(page.locator(".differs")).to_have_count(0)


def test_one_word_that_differs_is_the_one_that_is_highlighted(open_page: Open) -> None:
    def answer(route: Route) -> None:
        is_sober = json.loads(route.request.post_data or "")["drugs"] == SOBER
        streamed("The sea was calm and blue." if is_sober else "The sea was wild and blue.")(route)

    page = open_page(SHORT, {"**/v1/chat/completions": answer})
    send(page)
    assert [text.strip() for text in page.locator(".token.differs").all_text_contents()] == ["calm", "wild"]


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_conversation_goes_on_from_the_answer_that_was_chosen(open_page: Open, parting: str, chosen: int) -> None:
    page = open_page(f"{parting}&{UNSEEDED}")
    unfold(page, "More")
    page.get_by_label("System prompt").fill("Be brief.")
    send(page)
    first = answers(page)
    assert first[0] != first[1]
    requests = sent(page)
    keep = page.get_by_role("button", name="Go on from this")
    expect(keep.nth(1)).to_have_attribute("aria-pressed", "true")
    keep.nth(chosen).click()
    page.get_by_label("Message", exact=True).fill("And then?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("What?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    finish(page)
    assert [(message["role"], message["content"]) for message in requests[0]["messages"]] == [
        ("system", "Be brief."),
        ("user", QUESTION),
        ("assistant", first[chosen]),
        ("user", "And then?\nWhat?"),
    ]


def test_stop_ends_the_answers_and_keeps_what_there_is(open_page: Open, server: Server) -> None:
    page = open_page("view=chat&length=1500&A=0&prompt=Describe+a+city+built+on+clouds.")
    expect(page.locator(".site")).to_have_count(8)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer .text")).to_have_text(re.compile(r"\w+ \w+"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .state")).to_have_text("stopped")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert len(answers(page)[0]) > 3
    expect(page.locator("#dirty")).to_have_text("clean")
    wait_until(lambda: not any(slot["is_processing"] for slot in server.get("/slots").json))


def test_ask_again_answers_the_last_message_under_the_new_doses(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&" + SHORT)
    send(page)
    requests = sent(page)
    page.get_by_label("Seed", exact=True).fill("8")
    ask_again(page)
    expect(page.locator(".turn")).to_have_count(1)
    assert [(request["drugs"]["seed"], len(request["messages"])) for request in requests] == [(8, 1)]


#
# variations
#


def test_variations_have_a_column_and_a_seed_each(open_page: Open, server: Server) -> None:
    page = open_page("view=variations&n=3&A=0.3&" + SHORT)
    requests = sent(page)
    send(page)
    assert [request["n"] for request in requests] == [3]
    assert page.locator(".answer h3").all_text_contents() == ["Seed 3", "Seed 4", "Seed 5"]
    expected = choices_of(server, drugs={"A": 0.3, "seed": 3}, n=3)
    assert answers(page) == [choice["message"]["content"] for choice in sorted(expected, key=lambda c: c["index"])]

    page.locator(".answer").nth(2).get_by_role("button", name="Use this seed").click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("5")
    page.locator(".answer h3").nth(1).click()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("4")
    expect(page.locator(".answer").nth(1).locator(".keep")).to_have_attribute("aria-pressed", "true")


def test_more_variations_than_slots_say_what_is_wrong(open_page: Open) -> None:
    page = open_page("view=variations&n=9&" + SHORT)
    send(page)
    expect(page.locator(".turn [role=alert]")).to_have_text(re.compile("Field 'n'.*4.*9"))
    page.get_by_label("Number of variations").fill("2")
    ask_again(page)
    expect(page.locator(".answer")).to_have_count(2)
