"""What can be done with a message and an answer, and the keys of the field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from support.browsing import SHORT, Open, answers, ask_again, copied, expect, finish, say, send, sent, streamed

if TYPE_CHECKING:
    from playwright.sync_api import Page

CALM = {"**/v1/chat/completions": streamed("The sea was calm.")}
CHAT = "view=chat&formatted=false&A=0.2&" + SHORT


def said(request: Any) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in request["messages"]]


def edit_answer(page: Page, text: str) -> None:
    page.get_by_role("button", name="Edit the dosed answer").click()
    page.get_by_label("Text of the dosed answer").fill(text)
    page.get_by_role("button", name="Keep this text").click()


def test_messages_and_answers_are_copied(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "One")
    page.get_by_role("button", name="Copy the message").click()
    assert copied(page) == "One"
    page.get_by_role("button", name="Copy the dosed answer").click()
    assert copied(page) == "The sea was calm."


def test_an_edited_message_is_answered_anew(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "One")
    say(page, "Two")
    requests = sent(page)
    page.get_by_role("button", name="Edit the message").first.click()
    editor = page.get_by_label("Text of the message").first
    expect(editor).to_have_value("One")
    editor.fill("Once")
    editor.press("Escape")
    expect(page.locator(".said")).to_have_text(["One", "Two"])
    page.get_by_role("button", name="Edit the message").first.click()
    editor.fill("Once")
    editor.press("Control+Enter")
    expect(page.locator(".said")).to_have_text(["Once"])
    finish(page)
    assert said(requests[0]) == [("user", "Once")]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".said")).to_have_text(["One", "Two"])


def test_an_edited_answer_is_what_the_conversation_goes_on_from(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "One")
    edit_answer(page, "The sea was wild.")
    expect(page.locator(".answer .state")).to_have_text("edited")
    requests = sent(page)
    say(page, "Two")
    assert said(requests[0]) == [("user", "One"), ("assistant", "The sea was wild."), ("user", "Two")]


def test_deleted_messages_and_answers_come_back(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, CALM)
    say(page, "One")
    say(page, "Two")
    page.get_by_role("button", name="Delete the message").first.click()
    expect(page.locator(".said")).to_have_text(["Two"])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".said")).to_have_text(["One", "Two"])
    page.get_by_role("button", name="Delete the dosed answer").last.click()
    expect(page.locator(".turn").last.locator(".answer")).to_have_count(1)
    page.get_by_role("button", name="Delete the sober answer").last.click()
    expect(page.get_by_role("button", name="Answer them")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".turn").last.locator(".answer")).to_have_count(1)


def test_another_answer_has_another_seed_and_the_same_dose(open_page: Open) -> None:
    page = open_page("view=chat&formatted=false&A=0.5&dose_inputs=last&" + SHORT)
    requests = sent(page)
    send(page)
    page.get_by_role("button", name="Another with a new seed, beside the dosed answer").click()
    expect(page.locator(".answer")).to_have_count(2)
    finish(page)
    first, second = requests
    assert first["messages"] == second["messages"]
    assert first["drugs"]["seed"] == 3 != second["drugs"]["seed"]
    seed = second["drugs"]["seed"]
    assert {**first["drugs"], "seed": seed}.items() <= second["drugs"].items()
    expect(page.locator(".keep").nth(1)).to_have_attribute("aria-pressed", "true")
    texts = answers(page)
    requests.clear()
    say(page, "And?")
    assert said(requests[0])[1] == ("assistant", texts[1])


def test_asking_again_the_same_takes_another_seed(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    requests = sent(page)
    send(page)
    ask_again(page)
    page.get_by_label("Seed", exact=True).fill("8")
    ask_again(page)
    seeds = [request["drugs"]["seed"] for request in requests]
    assert seeds[0] == 3 != seeds[1]
    assert seeds[2] == 8


def test_an_answer_without_a_text_is_not_sent(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, {"**/v1/chat/completions": streamed("")})
    say(page, "One")
    expect(page.get_by_role("button", name="Go on from this")).to_have_count(0)
    page.unroute("**/v1/chat/completions")
    page.route("**/v1/chat/completions", streamed("Calm."))
    requests = sent(page)
    say(page, "Two")
    assert said(requests[0]) == [("user", "One\n\nTwo")]
    say(page, "Three")
    assert said(requests[2]) == [("user", "One\n\nTwo"), ("assistant", "Calm."), ("user", "Three")]


def test_escape_stops_an_answer(open_page: Open) -> None:
    page = open_page("view=chat&formatted=false&length=1500&A=0&prompt=Describe+a+city+built+on+clouds.")
    expect(page.locator(".site")).to_have_count(8)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer .text")).to_have_text(re.compile(r"\w+ \w+"))
    page.keyboard.press("Escape")
    expect(page.locator(".answer .state")).to_have_text("stopped")


def test_the_arrow_up_brings_back_what_was_written(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "One")
    say(page, "Two")
    field = page.get_by_label("Message", exact=True)
    field.focus()
    for key, expected in [
        ("ArrowUp", "Two"),
        ("ArrowUp", "One"),
        ("ArrowUp", "One"),
        ("ArrowDown", "Two"),
        ("ArrowDown", ""),
    ]:
        page.keyboard.press(key)
        expect(field).to_have_value(expected)
    field.fill("Something of mine")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("Something of mine")


def test_a_text_without_a_dose_beside_the_sober_one_is_explained(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, CALM)
    hint = page.locator("#hint-sober")
    expect(page.get_by_role("button", name="Sober", exact=True)).to_be_visible()
    expect(hint).to_be_hidden()
    page.get_by_role("button", name="Sober", exact=True).click()
    expect(hint).to_have_text("Nothing is dosed, so all answers will be the same. Choose Mild, Medium or Strong.")
    page.get_by_text("Chat", exact=True).click()
    expect(hint).to_be_hidden()


def test_an_answer_says_how_fast_it_was_and_where_it_differs(open_page: Open, parting: str) -> None:
    page = open_page(f"{parting}&" + SHORT.replace("&seed=3", ""))
    send(page)
    sober, dosed = page.locator(".measures").all_text_contents()
    assert re.fullmatch(r"\d+ tokens · [\d.]+ tokens/s", sober)
    found = re.fullmatch(
        r"\d+ tokens · [\d.]+ tokens/s · differs from token (\d+) on · KL ≥ (\S+) nats a token up to there", dosed
    )
    assert found, dosed
    tokens = [page.locator(f".answer.{kind} .token").all_text_contents() for kind in ("sober", "dosed")]
    differs = next(i for i, (a, b) in enumerate(zip(*tokens), 1) if a != b)
    assert int(found[1]) == differs
    assert 0 < float(found[2]) < 5


def test_each_deletion_can_be_undone_and_nothing_is_lost_by_it(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    for text in ("One", "Two", "Three"):
        say(page, text)
    page.get_by_role("button", name="Delete the message").first.click()
    page.get_by_role("button", name="Delete the message").first.click()
    expect(page.locator(".said")).to_have_text(["Three"])
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_have_text(["Two", "Three"])
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_have_text(["One", "Two", "Three"])
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.get_by_role("button", name="Delete the message").first.click()
    say(page, "Four")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_answers_that_were_asked_for_again_come_back(open_page: Open) -> None:
    page = open_page(CHAT, CALM)
    say(page, "One")
    edit_answer(page, "Mine")
    ask_again(page)
    assert answers(page) == ["The sea was calm."]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".answer .text")).to_have_text("Mine")


def test_a_deleted_answer_does_not_change_the_choice(open_page: Open) -> None:
    page = open_page("view=side&A=0.2&" + SHORT, CALM)
    say(page, "One")
    page.get_by_role("button", name="Another with a new seed").click()
    expect(page.locator(".answer")).to_have_count(3)
    finish(page)
    expect(page.locator(".keep[aria-pressed=true]")).to_have_count(1)
    page.get_by_role("button", name="Delete the dosed answer").last.click()
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.locator(".answer.dosed .keep")).to_have_attribute("aria-pressed", "true")


def test_the_end_stays_in_sight(open_page: Open) -> None:
    page = open_page(CHAT.replace("formatted=false&", ""), {"**/v1/chat/completions": streamed("One line.\n\n" * 40)})
    page.get_by_label("Message", exact=True).fill("Count")
    send(page)
    say(page, "Again")
    page.wait_for_timeout(500)
    rest = "node => node.scrollHeight - node.scrollTop - node.clientHeight"
    assert page.locator("#conversation").evaluate(rest) < 40
    page.locator("#conversation").evaluate("node => { node.scrollTop = 0; }")
    page.wait_for_timeout(200)
    assert page.locator("#conversation").evaluate("node => node.scrollTop") == 0
    page.reload()
    expect(page.locator(".turn")).to_have_count(2)
    page.wait_for_timeout(500)
    assert page.locator("#conversation").evaluate(rest) < 40
