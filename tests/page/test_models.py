"""The page of a server with several models."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from support.browsing import SHORT, answers, expect, finish, sent
from support.patience import PATIENCE
from support.program import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_server_of_several_models_lets_choose_one(browser: Browser, tiny_model_path: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copy(tiny_model_path, tmp_path / f"{name}.gguf")
    options = ("-c", "256", "-np", "2", "-t", "1", "--chat-template", "chatml")
    with Server("--models-dir", str(tmp_path), *options) as router:
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{router.url}/#{SHORT}")
        models = page.get_by_label("Model")
        expect(models).to_have_value("one")
        models.select_option("two")
        requests = sent(page)
        expect(page.locator("#sites input[type=range]")).not_to_have_count(0)
        page.get_by_role("button", name="Send").click()
        page.locator(".turn").last.wait_for()
        finish(page)
        assert {request["model"] for request in requests} == {"two"}
        assert all(answers(page))
        page.reload()
        expect(models).to_have_value("two")
        page.close()
