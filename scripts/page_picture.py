"""Draws docs/page.png, page-dark.png and page-phone.png: the page of `drugs serve`, with answers of the default model.

usage: python scripts/page_picture.py [--seed 3] [--folder docs]

Needs Chromium and the Python package playwright. Another processor may write other texts.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

import drugs_cpp
from benchmarks.server_process import ServerProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

#: docs/page.md loads them
MOST_BYTES = 250_000

#: what is asked, and how it is shown
SIDE = {"view": "side", "length": 60, "prompt": "Write the first two sentences of a story about a lighthouse."}
CHAT = {"view": "chat", "length": 120, "prompt": "Show a short Python function that adds two numbers."}


def picture(browser: Browser, address: str, options: dict[str, Any]) -> bytes:
    """Return a PNG of the page after it has answered the message in the address."""
    page = browser.new_page(reduced_motion="reduce", **options)
    page.goto(address)
    page.locator("#presets button").first.wait_for(state="attached")
    page.get_by_role("button", name="Send").click()
    page.locator(".answer").first.wait_for()
    page.locator("#stop").wait_for(state="hidden")
    page.locator("#dirty").wait_for()
    page.locator("#conversation").evaluate("node => { node.scrollTop = 0; }")
    drawn = page.screenshot(animations="disabled", caret="hide")
    page.close()
    return drawn


def main(arguments: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "docs")
    options = parser.parse_args(arguments)
    pictures = {
        "page.png": (SIDE, {"viewport": WIDE, "color_scheme": "light"}),
        "page-dark.png": (CHAT, {"viewport": WIDE, "color_scheme": "dark"}),
        "page-phone.png": (SIDE, {"viewport": PHONE, "color_scheme": "light"}),
    }
    drugs = Path(sys.executable).with_name("drugs")
    model = ["-m", drugs_cpp.default_model(), "-np", "4", "-c", "4096"]
    with ServerProcess([drugs, "serve"], model) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (asked, shown) in pictures.items():
            drawn = picture(browser, f"{server.url}/#{urlencode({**asked, 'seed': options.seed})}", shown)
            if len(drawn) > MOST_BYTES:
                raise SystemExit(f"page_picture: {name} has {len(drawn):,} bytes, which is too many: make it smaller")
            (options.folder / name).write_bytes(drawn)
            print(f"{name}: {len(drawn):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
