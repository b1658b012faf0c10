from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from drugs_cpp.study.explorer_site import write_site
from support.accessibility import axe_script
from support.explorer_data import imported_site, mixed_site, small_site
from support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of sites on the disk."""
    addresses = {}
    for name, data in {"small": small_site(), "imported": imported_site(), "mixed": mixed_site()}.items():
        folder = tmp_path_factory.mktemp("sites") / name
        write_site(data, folder)
        addresses[name] = (folder / "index.html").as_uri()
    return addresses


@pytest.fixture
def explore(browser: Browser, sites: dict[str, str]) -> Iterator[Callable[..., Page]]:
    """Opens the explorer at a hash; nothing may be loaded from elsewhere, and only the expected error may occur."""
    contexts = []
    wrong: list[str] = []

    def explore(
        at: str = "", site: str = "small", address: str = "", expected: str = "", is_empty: bool = False, **options: Any
    ) -> Page:
        page = opened(browser, wrong, address or sites[site], at, expected, **options)
        contexts.append(page.context)
        page.locator("#notice:visible" if is_empty else "#text-2[aria-busy=false]").wait_for()
        return page

    yield explore
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="package")
def calculator(browser: Browser, sites: dict[str, str]) -> Iterator[Page]:
    """One explorer for all tests that call its functions without changing what it shows."""
    wrong: list[str] = []
    page = opened(browser, wrong, sites["small"])
    page.locator("#text-2[aria-busy=false]").wait_for()
    yield page
    page.context.close()
    assert wrong == []


def opened(browser: Browser, wrong: list[str], address: str, at: str = "", expected: str = "", **options: Any) -> Page:
    """A page that records what goes wrong in it."""

    def note_error(message: ConsoleMessage) -> None:
        if message.type == "error" and not (expected and expected in message.text):
            wrong.append(message.text)

    origin = address.rpartition("/")[0]
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", note_error)
    page.on("request", lambda request: None if is_own(request.url, origin) else wrong.append(request.url))
    page.goto(f"{address}#{at}")
    return page


def is_own(url: str, origin: str) -> bool:
    return url.startswith((origin, "blob:"))


@pytest.fixture(scope="package")
def axe() -> str:
    """The script of axe-core."""
    return axe_script()
