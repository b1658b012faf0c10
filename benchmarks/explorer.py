"""The explorer with many texts, from disk, in a browser: when it is shown, and how long a step of a slider takes."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.measured import Measured
from benchmarks.results import Results
from benchmarks.setup import Setup
from drugs_cpp.doses.sites import SITES
from drugs_cpp.study.explorer_site import write_site
from drugs_cpp.study.prompt import Prompt
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.site_data import Block, Cell, SiteData, Text
from drugs_cpp.study.sweep_store import ModelInfo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

N_TEXTS = 20_000

#: words of a text: about 80 tokens
N_WORDS = 60

N_SEEDS = 8

#: number of models, and of prompts
N_EACH = 2

#: steps of a slider in a round
N_STEPS = 20

PAINTED, SHOWN, WORKED, STEPPED, FOUND = (
    "first paint",
    "both texts shown",
    "step, script",
    "step, until painted",
    "search",
)

_SOME = """
the a one this sea lamp keeper night wind stair log door ship wave light tower rope stone gull storm morning opened
closed heard saw wrote climbed lit found knew waited slowly once again never quiet old small cold bright and but
"""

_WORDS = _SOME.split()

#: script that records when the second text was painted
_WATCH = """
const watch = new MutationObserver(() => {
    if (document.querySelector("#text-2[aria-busy=false]")) {
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => { window.shownAt = performance.now(); }));
    }
});
watch.observe(document, { subtree: true, childList: true, attributes: true });
"""

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"

#: milliseconds of script, and until the frame after it was painted, of each step
_STEP = """async (n) => {
    const slider = document.getElementById("dose-2");
    const times = [];
    for (let i = 0; i < n; i++) {
        slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
        const start = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        const worked = performance.now();
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        times.push([worked - start, performance.now() - start]);
    }
    return times;
}"""

#: milliseconds of a search in all loaded texts, until its list is shown
_SEARCH = """async (query) => {
    await Promise.all(explorer.data.index.blocks.map((_, k) => explorer.data.load(k)));
    const list = document.getElementById("results");
    list.replaceChildren();
    const start = performance.now();
    explorer.state.change({ view: "search", everywhere: true, query });
    while (!list.firstChild) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    return performance.now() - start;
}"""


def measure(_: Setup, results: Results, rounds: int) -> None:
    """Measure milliseconds in Debian's browser, each round in a new window."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        write_site(sweep_of(N_TEXTS), folder)
        for done in range(rounds):
            for name, some in times_of(browser, Path(folder)).items():
                times.setdefault(name, []).extend(some)
            results.progress(done + 1, rounds)
    title = f"The explorer with {N_TEXTS:,} texts of {N_WORDS} words, from the disk, {rounds} rounds of {N_STEPS} steps"
    results.table(title, ["", "ms"], [[name, Measured(np.array(some), "ms", 1)] for name, some in times.items()])


def times_of(browser: Browser, folder: Path) -> dict[str, list[float]]:
    """Measure milliseconds of a visit to a site in a folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page: Page = context.new_page()
        page.add_init_script(_WATCH)
        page.goto((folder / "index.html").as_uri())
        page.wait_for_function(f"window.shownAt !== undefined && {_PAINTED} !== undefined")
        steps = page.evaluate(_STEP, N_STEPS)
        return {
            PAINTED: [page.evaluate(_PAINTED)],
            SHOWN: [page.evaluate("window.shownAt")],
            WORKED: [worked for worked, _ in steps],
            STEPPED: [painted for _, painted in steps],
            FOUND: [page.evaluate(_SEARCH, "the keeper opened")],
        }
    finally:
        context.close()


@contextmanager
def _browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("benchmarks: Chromium is not installed: apt install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("benchmarks: Playwright is not installed: pip install playwright") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def sweep_of(n_texts: int) -> SiteData:
    """Return a sweep with about this many texts, made of random words, of two models and two prompts."""
    settings = list(_settings(n_texts // N_EACH**2 // N_SEEDS))
    chance = random.Random(5)
    models = [ModelInfo("0" * 64, f"model-{i}", "Q4_1", "llama") for i in range(N_EACH)]
    prompts = [Prompt(f"prompt {i}", (), "The sea was") for i in range(N_EACH)]
    blocks = [_block(model, prompt, settings, chance) for model in range(N_EACH) for prompt in range(N_EACH)]
    return SiteData("A large sweep", "0", models, prompts, settings, blocks, "")


def _settings(n: int) -> Iterator[Setting]:
    """Yield the sober setting, and for each profile 20 doses at each site."""
    plain = Setting("sober", 0.0, "all", None, "interpolate", "isotropic", (), 80, False, 6)
    yield plain
    for i in range(n - 1):
        profile, place = divmod(i, 20 * len(SITES))
        dose, site = divmod(place, len(SITES))
        shape = ((0.0, 1.0), (1.0, 0.1 * profile))
        yield replace(
            plain, site=SITES[site], dose=round(0.05 * (dose + 1), 2), profile=f"profile {profile}", shape=shape
        )


def _block(model: int, prompt: int, settings: list[Setting], chance: random.Random) -> Block:
    def text(setting: int, seed: int) -> Text:
        words = " ".join(chance.choices(_WORDS, k=N_WORDS))
        return Text(setting, seed, words, 80, "length", -2 * chance.random(), seed, chance.random(), 0.1, 0.25)

    def cell(setting: int) -> Cell:
        names = ("log_likelihood", "vendi", "self_bleu", "distinct_1", "distinct_2", "n_tokens", "repeated")
        return Cell(setting, N_SEEDS, {name: chance.random() for name in names})

    numbers = range(len(settings))
    return Block(model, prompt, [cell(n) for n in numbers], [text(n, seed) for n in numbers for seed in range(N_SEEDS)])
