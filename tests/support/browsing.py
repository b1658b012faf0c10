"""The page of `drugs serve` in a browser: what its users do, and what they see. Skips tests without Playwright."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from support.lighthouse import QUESTION
from support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
expect = sync_api.expect
expect.set_options(timeout=1000 * PATIENCE)

#: addresses of the page: a question and the length of its answer, without and with a seed
UNSEEDED = f"{urlencode({'prompt': QUESTION})}&length=16"
SHORT = f"{UNSEEDED}&seed=3"

Open = Callable[..., "Page"]

#: the field "drugs" of the page's sober requests to a server that computes repeatably
SOBER = {"repeatable": True}


def sent(page: Page, path: str = "/v1/chat/completions") -> list[Any]:
    """The bodies of the requests that the page sends to a path from now on."""
    bodies: list[Any] = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.url.endswith(path) else None)
    return bodies


def send(page: Page) -> None:
    """Press Send, and wait for the end of all answers."""
    expect(page.locator("#model")).to_have_text(re.compile("SmolLM2"))
    page.get_by_role("button", name="Send").click()
    page.locator(".turn").last.wait_for()
    finish(page)


def say(page: Page, text: str) -> None:
    """Send a message, and wait for the end of all answers."""
    page.get_by_label("Message", exact=True).fill(text)
    send(page)


def ask_again(page: Page) -> None:
    page.get_by_role("button", name="Ask again").click()
    finish(page)


def finish(page: Page) -> None:
    """Wait for the end of all answers."""
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator(".answer[aria-busy=true]")).to_have_count(0)


def answers(page: Page) -> list[str]:
    return page.locator(".turn").last.locator(".answer .text").all_text_contents()


def streamed(text: str, pieces: list[str] | None = None) -> Callable[[Route], None]:
    """A server that answers with this text, one word at a time, or in these pieces."""
    parts = re.findall(r"\s*\S+", text) if pieces is None else pieces

    def answer(route: Route) -> None:
        choices = [{"index": 0, "delta": {"content": piece}} for piece in parts]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
        route.fulfill(content_type="text/event-stream", body="".join(lines) + "data: [DONE]\n\n")

    return answer


def copied(page: Page) -> str:
    """What the page has put into the clipboard."""
    expect(page.locator("#toast")).to_contain_text(re.compile("opied"))
    page.context.grant_permissions(["clipboard-read"])
    return str(page.evaluate("navigator.clipboard.readText()"))


def unfold(page: Page, what: str) -> None:
    """Open "Advanced" or "More" among the settings."""
    expect(page.locator("#presets button").first).to_be_attached()  # the page opens "Advanced" by itself until then
    page.locator("details", has_text=what).first.evaluate("node => { node.open = true; }")


def profile(page: Page) -> Locator:
    """Open the profile of A at a place where nothing has to scroll when a point gets the focus."""
    unfold(page, "Advanced")
    page.get_by_role("button", name="Profile of A").click()
    editor = page.locator("#profile-A")
    editor.evaluate("node => node.scrollIntoView({ block: 'center' })")
    return editor


def rows(page: Page, kind: str) -> list[float]:
    """The probabilities shown in the panel, of kind "sober" or "dosed"."""
    bars = page.locator(f".chart.{kind} li")
    expect(bars).to_have_count(10)
    return [float(bar.get_attribute("data-probability") or "nan") for bar in bars.all()]
