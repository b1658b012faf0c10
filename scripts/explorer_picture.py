"""Draws docs/explorer.png: the explorer on a site written by `drugs-lab explore --export`.

usage: python scripts/explorer_picture.py folder [--output docs/explorer.png] [--hash "prompt=sea&2.site=A&2.dose=0.2"]

Needs Chromium and the Python package playwright.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

WIDTH, HEIGHT = 1280, 800

#: docs/studying.md loads it
MOST_BYTES = 250_000


def picture(folder: Path, place: str) -> bytes:
    """Return a PNG of the texts at a place, which is the part of the page's URL after "#"."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        page.goto(f"{(folder / 'index.html').resolve().as_uri()}#{place}")
        page.locator("#text-1[aria-busy=false]").wait_for()
        page.locator("#text-2[aria-busy=false]").wait_for()
        if page.locator(".differs").count() == 0:
            raise SystemExit("explorer_picture: the two texts are the same: give another --hash")
        return page.screenshot(animations="disabled", caret="hide")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "explorer.png")
    parser.add_argument("--hash", default="")
    options = parser.parse_args(arguments)
    drawn = picture(options.folder, options.hash)
    if len(drawn) > MOST_BYTES:
        raise SystemExit(f"explorer_picture: {len(drawn):,} bytes are too many: choose shorter texts with --hash")
    options.output.write_bytes(drawn)
    print(f"{options.output}: {len(drawn):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
