"""The explorer in a browser: what its users do, and what they see. Skips tests without Playwright."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
expect = sync_api.expect
expect.set_options(timeout=1000 * PATIENCE)

#: opens the explorer of a site ("small", "imported", "mixed") at a hash
Explore = Callable[..., "Page"]

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def text(page: Page, side: int) -> Locator:
    """The text of a side, 1 or 2."""
    return page.locator(f"#text-{side}")


def summary(page: Page, side: int) -> Locator:
    """The setting of a side in words."""
    return page.locator(".side").nth(side - 1).locator(".summary")


def dose(page: Page, side: int) -> Locator:
    """The slider of a side."""
    return page.locator(f"#dose-{side}")


def view(page: Page, name: str) -> None:
    """Choose how to find texts: "Map", "Plot", "Search", "Favourites"."""
    page.locator("#views").get_by_text(name, exact=True).click()


def cell(page: Page, name: str) -> Locator:
    """A cell of the map, such as "A 0.35"."""
    return page.locator(f'#map-view [aria-label^="{name}"]')


def seed(page: Page, side: int, value: int) -> None:
    """Choose a seed of a side."""
    page.locator(".side").nth(side - 1).locator(".seeds").get_by_text(str(value), exact=True).click()
