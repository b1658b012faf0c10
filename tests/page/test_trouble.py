"""Keys, refused requests, lost connections, and markup in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.browsing import SHORT, Open, answers, ask_again, expect, send, streamed

if TYPE_CHECKING:
    from playwright.sync_api import Route


INJECTION = '<img src=x onerror="document.title=1">'


def test_a_server_with_a_key_needs_it_once(open_page: Open) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer secret":
            route.fallback()
        else:
            route.fulfill(status=401, json={"error": {"code": 401, "message": "Invalid API Key"}})

    page = open_page(SHORT, {"**/props": guard, "**/slots": guard, "**/v1/**": guard})
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("refused this key")
    dialog.get_by_label("API key").fill("secret")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    send(page)
    assert len(answers(page)) == 2
    page.reload()
    expect(page.locator(".site")).to_have_count(8)
    expect(dialog).to_be_hidden()
    assert "secret" not in page.url


def test_a_key_that_is_not_given_can_be_given_later(open_page: Open) -> None:
    refused = {"error": {"code": 401, "message": "Invalid API Key"}}
    page = open_page(SHORT, {"**/props": lambda route: route.fulfill(status=401, json=refused)})
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator("#notice")).to_contain_text("needs an API key")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_refused_request_shows_its_message_in_place_of_the_answer(open_page: Open) -> None:
    page = open_page("view=chat&A=0.2&A.shape=interpolate_0_1e300&" + SHORT)
    send(page)
    expect(page.locator(".turn [role=alert]")).to_contain_text("Field 'drugs'")


def test_a_lost_connection_is_said_and_can_be_tried_again(open_page: Open) -> None:
    page = open_page("view=chat&" + SHORT)
    expect(page.locator(".site")).to_have_count(8)
    page.route("**/v1/chat/completions", lambda route: route.abort())
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".turn [role=alert]")).to_contain_text("does not answer")
    page.unroute("**/v1/chat/completions")
    ask_again(page)
    expect(page.locator(".turn [role=alert]")).to_be_hidden()
    assert answers(page)[0]


def test_without_a_server_the_page_says_so(open_page: Open) -> None:
    page = open_page(SHORT, {"**/props": lambda route: route.abort()})
    expect(page.locator("#notice")).to_contain_text("does not answer")
    page.unroute("**/props")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".site")).to_have_count(8)
    expect(page.locator("#notice")).to_be_hidden()


def test_markup_stays_text(open_page: Open) -> None:
    page = open_page("A=0.2&seed=3", {"**/v1/chat/completions": streamed(f"You said {INJECTION} twice")})
    page.get_by_label("Message", exact=True).fill(INJECTION)
    send(page)
    expect(page.locator(".said")).to_have_text(INJECTION)
    assert answers(page) == [f"You said {INJECTION} twice"] * 2
    expect(page.locator(".turn img")).to_have_count(0)
    expect(page).to_have_title(f"{INJECTION} · DRµGS")
    page.locator(".token").nth(2).click()
    expect(page.locator(".probabilities mark")).to_contain_text("<img")
