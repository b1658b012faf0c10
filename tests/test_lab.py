"""The program ``drugs-lab``: its commands as people type them, its files, and its page in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from conftest import PressCtrlC
from drugs_cpp.study import stored_vergence
from drugs_cpp.tools import command_line
from drugs_cpp.tools.lab import main
from drugs_cpp.tools.lab_top import histogram, shown
from drugs_cpp.tools.time_left import bar, time_left
from support.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "The lighthouse keeper had not spoken to anyone for"
SMALL = ["--sites", "K,A", "--angles", "0.3:0.9:2", "--seeds", "2", "-t", "1"]


@pytest.fixture(scope="module")
def folder(short_model_path: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store of a small study."""
    folder = tmp_path_factory.mktemp("lab")
    store = str(folder / "vergence.db")
    page = str(folder / "page.html")
    assert main(["vergence", TEXT, "-m", short_model_path, "--store", store, "-o", page, *SMALL]) == 0
    return folder


def replot(folder: Path, *outputs: str) -> int:
    options = [option for name in outputs for option in ("-o", str(folder / name))]
    return main(["vergence", "--replot", "--store", str(folder / "vergence.db"), *options])


#
# vergence
#


def test_what_vergence_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replot(folder, "again.html") == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*again\.html \(\d+\.\d MB\)", said[0])
    assert said[1].startswith("Each layer with its neighbours, angles up to 0.90 rad, mean of 2 seeds")
    assert [line.split()[0] for line in said[5:]] == ["K", "A"]
    assert (folder / "again.html").read_bytes() == (folder / "page.html").read_bytes()


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("x.png", b"\x89PNG"), ("x.svg", b"<?xml"), ("x.pdf", b"%PDF"), ("x.gif", b"GIF89a"), ("x.parquet", b"PAR1")],
)
def test_files(folder: Path, name: str, beginning: bytes) -> None:
    assert replot(folder, name) == 0
    assert (folder / name).read_bytes().startswith(beginning)


def test_a_video(folder: Path) -> None:
    assert replot(folder, "x.mp4") == 0
    assert (folder / "x.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_table_has_what_the_store_has(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert replot(folder, "table.parquet") == 0
    table = parquet.read_table(str(folder / "table.parquet")).to_pydict()
    result = stored_vergence(folder / "vergence.db")
    assert len(table["kl"]) == result.grid.n_cells
    assert set(table["site"]) == {"A", "K"}
    for i in range(0, len(table["kl"]), 7):
        at = result.index(table["site"][i], table["window"][i])
        place = (
            *at,
            table["layer"][i],
            result.nearest_angle(table["angle"][i]),
            result.grid.seeds.index(table["seed"][i]),
        )
        assert table["kl"][i] == result.kl[place]
        assert np.array_equal(np.array(table["cosine"][i], np.float32), result.cosine[place])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vergence", "-o", "x.bmp"], "the name has to end in .html"),
        (["vergence", "-o", "no/folder/x.html"], "there is no folder"),
        (["vergence", "--sites", "A,X"], "'X' is not one of them: give H, Q, K"),
        (["vergence", "--windows", "far"], "give near, up-to"),
        (["vergence", "--angles", "0.1:2"], "FROM:TO:N"),
        (["vergence", "--angles", "0,1"], "more than 0 radians"),
        (["vergence", "--seeds", "0"], "1 or more"),
        (["vergence", "--replot", "--store", "none.db"], "no such file"),
        (["vergence", "-m", "none.gguf"], "none.gguf"),
        (["vergence", "A text", "--replot", "--sites", "A"], "takes no prompt, --sites"),
        (["vergence", " "], "the prompt is empty"),
        (["vergence", "Too short", "--store", "x.db"], "the first 6 are never dosed"),
        (["top", "--dose", "X=1"], "X"),
        (["top", "--dose", "A"], "not a dose"),
        (["plot"], "invalid choice"),
    ],
)
def test_mistakes(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code  # type: ignore[assignment]
    assert status == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("drugs-lab: error: ")
    assert message in said[-1]
    assert not list(tmp_path.glob("*.html"))


def test_a_missing_package_is_said_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setattr("drugs_cpp.tools.lab_vergence.load_model", lambda _: pytest.fail("a model was loaded"))
    assert main(["vergence", "--store", str(tmp_path / "x.db")]) == 2
    assert 'pip install "drugs_cpp[lab]"' in capsys.readouterr().err


def test_ctrl_c_says_where_it_goes_on(
    short_model_path: str, tmp_path: Path, press_ctrl_c: PressCtrlC, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "results.db"

    def n_kept() -> int:
        try:
            return int(np.isfinite(stored_vergence(store).kl).sum())
        except ValueError:
            return 0

    arguments = ["vergence", TEXT, "-m", short_model_path, "--store", str(store), "-o", str(tmp_path / "x.html")]
    press_ctrl_c(n_kept, 40)
    assert main([*arguments, "--seeds", "50", "-t", "1", "--parallel", "2"]) == 130
    assert f"What was computed is in {store}" in capsys.readouterr().err
    assert n_kept() >= 40
    assert not (tmp_path / "x.html").exists()


def test_the_program_is_installed() -> None:
    program = Path(sys.executable).with_name("drugs-lab")
    ran = subprocess.run([program, "--help"], check=True, capture_output=True, text=True)
    assert "vergence" in ran.stdout
    assert "top" in ran.stdout


#
# top
#


def test_top(short_model_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", TEXT, "-m", short_model_path, "--dose", "A=0.9,K=0.5", "--seeds", "3", "-k", "5"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "→" in line]
    assert len(lines) == 5
    for line in lines:
        assert re.fullmatch(r"  \S+ +\|*[-+]* +\d+\.\d → +\d+\.\d %", line)


def test_top_under_a_dose_by_its_effect(tiny_model_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", TEXT, "-m", tiny_model_path, "--dose", "strong", "--seeds", "2"]) == 0
    assert "strong at A" in capsys.readouterr().out


def test_top_without_a_dose_shows_the_sober_tokens(short_model_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", TEXT, "-m", short_model_path]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "→" in line]
    assert len(lines) == 10
    assert all(line[-4] == line[-2] for line in lines)


def test_histogram() -> None:
    lines = histogram([" a", "b"], [0.5, 0.25], [0.25, 0.375])
    assert lines[0] == f"·a  {'|' * 20}{'-' * 20}   50.0 →  25.0 %"
    assert lines[1] == f"b   {'|' * 20}{'+' * 10}{' ' * 10}   25.0 →  37.5 %"


def test_tokens_that_cannot_be_seen() -> None:
    assert [shown(token) for token in (" a", "\n\n", "\t", "é", "\x1b[1m")] == ["·a", r"\n\n", r"\t", "é", r"\x1b[1m"]


@pytest.mark.parametrize(
    ("done", "seconds", "left"),
    [(0, 5, ""), (50, 5, ", 5 s left"), (1, 1, ", 1 min 39 s left"), (1, 100, ", 2 h 45 min left"), (100, 5, "")],
)
def test_time_left(done: int, seconds: float, left: str) -> None:
    assert time_left(done, 100, seconds) == left


def test_bar() -> None:
    assert bar(1200, 2400, 10, "runs") == f"[{'#' * 12}{'.' * 12}] 1,200 of 2,400 runs, 10 s left"
    assert bar(0, 0, 0, "runs").startswith("[....")


#
# the page
#


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    options = ["--no-sandbox", "--enable-unsafe-swiftshader"]  # draws surfaces without a GPU
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options, timeout=1000 * PATIENCE)
        context = browser.new_context(offline=True, viewport={"width": 1200, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.goto((folder / "page.html").as_uri())
        page.wait_for_selector("#surface .main-svg", state="attached")
        yield page
        assert not wrong
        browser.close()


def plotted(page: Page, name: str) -> Any:
    return page.evaluate(f"document.getElementById('{name}').data.map((trace) => [trace.name, trace.z ?? trace.y])")


def choose(page: Page, **values: Any) -> None:
    for name, value in values.items():
        field = page.locator(f"#{name}")
        if name in ("site", "window", "statistic", "scale"):
            field.select_option(str(value))
        else:
            field.fill(str(value))


def test_the_page_shows_what_was_computed(page: Page, folder: Path) -> None:
    result = stored_vergence(folder / "vergence.db")
    for site, window, layer, angle in (("A", "near", 2, 1), ("K", "up-to", 0, 0), ("K", "near", 3, 1)):
        choose(page, site=site, window=window, layer=layer, angle=angle)
        at = result.index(site, window)
        ((_, surface), _) = plotted(page, "surface")
        assert np.allclose(surface, result.cosine[at][layer].mean(axis=1), atol=1e-6)
        ((_, heat),) = plotted(page, "map")
        distances = result.cosine[at][:, angle].mean(axis=1)
        assert np.allclose(heat, np.log10(np.maximum(distances, distances.max() / 1000)), atol=1e-4)
        choose(page, scale="linear")
        ((_, heat),) = plotted(page, "map")
        assert np.allclose(heat, distances, atol=1e-6)
        choose(page, scale="log")
        lines = {name: values for name, values in plotted(page, "matters") if name}
        for name in ("A", "K"):
            kl = result.kl[result.index(name, window)][:, angle].mean(axis=1)
            assert np.allclose(lines[name], kl, atol=1e-6)
        numbers = page.locator("#tokens td.number").all_inner_texts()
        for shown_numbers, token, prob in zip(numbers, result.sober_top, result.probs[at][layer, angle].mean(axis=0)):
            assert shown_numbers == f"{100 * token.prob:.1f} → {100 * prob:.1f} %"


def test_the_page_shows_the_spread(page: Page, folder: Path) -> None:
    result = stored_vergence(folder / "vergence.db")
    choose(page, site="A", window="near", layer=1, angle=1, statistic="spread")
    ((_, surface), _) = plotted(page, "surface")
    assert np.allclose(surface, result.cosine[result.index("A", "near")][1].std(axis=1), atol=1e-6)
    choose(page, statistic="mean")


def test_play_goes_through_the_layers(page: Page) -> None:
    choose(page, layer=0)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('layer').value === '2'")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("#play").inner_text() == "Play"


def test_the_address_holds_what_is_shown(page: Page) -> None:
    choose(page, site="K", window="up-to", layer=1, angle=0)
    address = page.url
    choose(page, site="A", window="near", layer=3, angle=1)
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#surface .main-svg", state="attached")
    assert page.locator("#site").input_value() == "K"
    assert page.locator("#window").input_value() == "up-to"
    assert page.locator("#layer-shown").inner_text() == "0 to 1"
    assert page.locator("#angle-shown").inner_text() == "0.30 rad"


@pytest.mark.parametrize(("command", "name"), [(main, "drugs-lab"), (command_line.main, "python -m drugs_cpp")])
def test_without_arguments_there_is_help(
    command: Callable[[list[str]], int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        command([])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {name} ")
