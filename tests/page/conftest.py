from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from support.accessibility import axe_script
from support.lighthouse import STRONG, parting_seed
from support.patience import PATIENCE
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    # one thread, because the browser needs a core as well
    with Server("-np", "4", "-c", "4096", "-t", "1", "-tb", "1") as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens the page at a hash; no page may send a request to another origin, or have an error in a script."""
    contexts = []
    wrong: list[str] = []

    def open_page(at: str, routes: dict[str, Callable[[Route], None]] | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(server.url) else wrong.append(request.url))
        for pattern, answer in (routes or {}).items():
            page.route(pattern, answer)
        page.goto(f"{server.url}/#{at}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="package")
def parting(server: Server) -> str:
    """The part of an address that gives a strong dose, and a seed with which its answer differs."""
    return f"A={STRONG['A']}&seed={parting_seed(server)}"


@pytest.fixture(scope="package")
def axe() -> str:
    """The script of axe-core."""
    return axe_script()
