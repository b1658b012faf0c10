"""What axe-core finds wrong with a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page


def axe_script() -> str:
    """The script of axe-core."""
    package = pytest.importorskip(
        "axe_playwright_python", reason="axe-core is not installed: pip install axe-playwright-python"
    )
    return Path(package.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str, part: str = "html", only: str = "") -> Any:
    """What axe-core finds wrong in a part of the page, optionally by only one rule."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": [only]} if only else {})}
    found = page.evaluate("([part, options]) => axe.run(part, options)", [part, options])["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
