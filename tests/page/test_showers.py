"""The button for cold showers, and the number of dirty positions next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.browsing import SHORT, Open, expect, send
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_a_shower_washes_what_is_dirty(open_page: Open, server: Server) -> None:
    slot = server.get("/slots").json[0]
    slot["drugs"]["n_dirty"] = 37

    def shower(route: Route) -> None:
        slot["drugs"]["n_dirty"] = 0
        route.fallback()

    page = open_page(SHORT, {"**/slots": lambda route: route.fulfill(json=[slot]), "**/slots/-1?action=shower": shower})
    expect(page.locator("#dirty")).to_have_text("37 dirty")
    with page.expect_response("**/slots/-1?action=shower") as response:
        page.get_by_role("button", name="Cold shower").click()
    assert "n_showered" in response.value.json()
    expect(page.locator("#dirty")).to_have_text("clean")


def test_a_server_without_slots_shows_no_number(open_page: Open) -> None:
    refused = {"error": {"code": 501, "message": "no slots"}}
    page = open_page(SHORT, {"**/slots": lambda route: route.fulfill(status=501, json=refused)})
    send(page)
    expect(page.locator("#dirty")).to_be_hidden()
    expect(page.get_by_role("button", name="Cold shower")).to_be_enabled()
