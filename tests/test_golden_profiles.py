"""Profiles in C++, Python and the page's JavaScript equal those in tests/golden/profiles.json, to the last bit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drugs_cpp
from drugs_cpp import SITES, DoseProfile, _core

FOLDER = Path(__file__).parent / "golden"
GOLDEN = json.loads((FOLDER / "profiles.json").read_text(encoding="utf-8"))
PROFILE_JS = Path(drugs_cpp.__file__).parent / "page" / "profile.js"

#: the ratios of each case; the page adds points one by one, and has the mode next to them
RATIOS_JS = """
const ratiosOf = (cases) => cases.map(({ points, mode, n_layer }) => {
  const add = (shape, [depth, peakratio]) => withPoint(shape, { depth, peakratio });
  return ratiosOfLayers({ ...points.reduce(add, undefined), mode }, n_layer);
});
"""


def test_the_file_is_what_its_script_writes(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "make_profiles.py", tmp_path)
    subprocess.run([sys.executable, script], check=True)
    assert (tmp_path / "profiles.json").read_bytes() == (FOLDER / "profiles.json").read_bytes()


@pytest.mark.parametrize("case", GOLDEN["profiles"], ids=lambda case: f"{case['name']}, {case['mode']}")
def test_ratios_of_cpp_and_python(case: dict[str, Any]) -> None:
    points = [(depth, ratio) for depth, ratio in case["points"]]
    depths = [layer / case["n_layer"] for layer in range(case["n_layer"])]
    assert [_core.profile_ratio(points, case["mode"], depth) for depth in depths] == case["ratios"]
    profile = DoseProfile([{"depth": depth, "peakratio": ratio} for depth, ratio in points], case["mode"])
    assert [profile.ratio(depth) for depth in depths] == case["ratios"]


@pytest.mark.parametrize("case", GOLDEN["tables"], ids=lambda case: f"{case['n_layer']} layers")
def test_tables_of_cpp(case: dict[str, Any]) -> None:
    profiles = {int(site): (points, mode) for site, (points, mode) in case["profiles"].items()}
    n_sites = len(case["thetas"])  # the sites that existed then
    thetas = [*case["thetas"], *[0.0] * (len(SITES) - n_sites)]
    table = _core.dose_table(thetas, profiles, case["multiplier"], case["n_layer"])
    assert table[:, :n_sites].tobytes() == np.array(case["angles"], dtype=np.float32).tobytes()
    assert not table[:, n_sites:].any()


def test_ratios_of_the_page() -> None:
    cases = GOLDEN["profiles"]
    node = shutil.which("node")
    computed = in_node(node, cases) if node else in_chromium(cases)
    assert computed == [case["ratios"] for case in cases]


def in_node(node: str, cases: list[Any]) -> Any:
    script = f'import {{ ratiosOfLayers, withPoint }} from "{PROFILE_JS.as_uri()}";\n{RATIOS_JS}'
    script += f"console.log(JSON.stringify(ratiosOf({json.dumps(cases)})));"
    run = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def in_chromium(cases: list[Any]) -> Any:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("neither node nor chromium is in the PATH, to run the page's JavaScript")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    source = PROFILE_JS.read_text(encoding="utf-8").replace("export ", "")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            function = f"() => {{ {source} {RATIOS_JS} return ratiosOf({json.dumps(cases)}); }}"
            return browser.new_page().evaluate(function)
        finally:
            browser.close()
