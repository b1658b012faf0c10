"""``drugs-lab explore`` as people type it; other tests check where the results come from."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from drugs_cpp.study.site_data import SiteData
from drugs_cpp.tools import lab_explore
from drugs_cpp.tools.lab import main
from support.explorer_data import small_site


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_explore, "site_data", lambda *_: small_site())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened in the browser."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def test_export(tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "site"
    assert main(["explore", "results.db", "--export", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'index.html'}: 332 texts\n"
    assert opened == []
    assert main(["explore", "results.db", "--export", str(folder), "--open"]) == 0
    assert opened == [(folder / "index.html").as_uri()]


def test_a_folder_of_somebody_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["explore", "results.db", "--export", str(tmp_path)]) == 2
    assert "mine.txt" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_no_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explore", "results.db", f"--port={port}"])
    assert "is not a port" in capsys.readouterr().err


def test_serving_says_where(
    monkeypatch: pytest.MonkeyPatch, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(data: SiteData, port: int, listener: Callable[[str], None]) -> None:
        assert data.title == small_site().title
        listener(f"http://127.0.0.1:{port}/")

    monkeypatch.setattr(lab_explore, "serve", serve)
    assert main(["explore", "results.db", "--port", "0", "--open"]) == 0
    assert capsys.readouterr().out == "The explorer is at http://127.0.0.1:0/ (Ctrl-C ends it)\n"
    assert opened == ["http://127.0.0.1:0/"]
