"""The notebooks in examples: stored without output, and they run from the first cell to the last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import drugs_cpp
from support.patience import PATIENCE

TESTS = Path(__file__).parent

NOTEBOOKS = sorted((TESTS.parent / "examples").glob("*.ipynb"))

MEANT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

Cells = list[dict[str, Any]]


def code(*lines: str) -> dict[str, Any]:
    source = "\n".join(lines)
    return {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


@pytest.fixture
def start(tmp_path: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Runs a notebook in an empty folder, with this package and none of the user's settings."""
    places = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    path = os.pathsep.join([str(Path(drugs_cpp.__file__).parents[1]), str(TESTS)])
    settings = {name: str(tmp_path / "settings") for name in places}
    (tmp_path / "empty").mkdir()

    def run(notebook: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "support.run_notebook", str(notebook), str(tmp_path / "empty" / "done.ipynb")],
            env={**os.environ, **settings, "PYTHONPATH": path, "PYTHONWARNINGS": "default"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture
def run(start: Any, tmp_path: Path) -> Callable[[Path], Cells]:
    """Runs a notebook; returns its cells."""

    def finished(notebook: Path) -> Cells:
        done = start(notebook)
        assert done.returncode == 0, done.stderr[-4000:]
        cells: Cells = json.loads((tmp_path / "empty" / "done.ipynb").read_text(encoding="utf-8"))["cells"]
        return cells

    return finished


def outputs(cells: Cells, kind: str) -> list[str]:
    """Outputs of a kind: "stdout", "stderr", or a media type."""
    found = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [output["text"] if output.get("name") == kind else output.get("data", {}).get(kind, "") for output in found]
    return [text if isinstance(text, str) else "".join(text) for text in texts if text]


def write(path: Path, *cells: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"cells": cells, "metadata": MEANT, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_each_has_a_test_here() -> None:
    assert [f"test_{path.stem}" for path in NOTEBOOKS if f"test_{path.stem}" not in globals()] == []
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_stored_without_what_they_printed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    stored = json.loads(text)
    assert text == json.dumps(stored, indent=1, ensure_ascii=False) + "\n"  # so that changes are small in a diff
    assert stored["metadata"] == MEANT
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in stored["cells"]}) == len(stored["cells"])
    assert [cell["metadata"] for cell in stored["cells"] if cell["metadata"]] == [{"tags": ["parameters"]}]
    assert code[0]["metadata"] == {"tags": ["parameters"]}


def execute(run: Callable[[Path], Cells], name: str) -> Cells:
    cells = run(next(path for path in NOTEBOOKS if path.stem == name))
    assert not outputs(cells, "stderr")
    return cells


def test_first_steps(run: Any) -> None:
    cells = execute(run, "first_steps")
    shown, printed = outputs(cells, "text/html"), "".join(outputs(cells, "stdout"))
    assert sum("<svg" in html for html in shown) == 2  # the doses
    assert sum("<mark" in html for html in shown) == 4  # variations
    texts = dict(line.split(":", 1) for line in printed.splitlines() if ":" in line)
    assert texts["dosed"] == texts["again"] != texts["sober"]
    assert "23 dirty positions\n0 dirty positions after the shower" in printed


def test_vergence(run: Any, tmp_path: Path) -> None:
    cells = execute(run, "vergence")
    assert [html.count("<svg") for html in outputs(cells, "text/html")] == [1, 1]
    assert len(outputs(cells, "image/png")) == 1
    printed = "".join(outputs(cells, "stdout"))
    assert "K: largest at layer" in printed
    assert len([line for line in printed.splitlines() if line.count("'") >= 4]) == 7  # a lens of every fifth layer
    assert (tmp_path / "empty" / "vergence.html").is_file()


def test_sweep(run: Any, tmp_path: Path) -> None:
    cells = execute(run, "sweep")
    printed = "".join(outputs(cells, "stdout")).splitlines()
    assert printed[0] == "25 of 25 texts were computed"
    assert [line.split("  ")[0] for line in printed[1:5]] == ["sober", "A 0.2", "A 0.5", "V 0.2"]
    assert len(outputs(cells, "image/png")) == 1
    assert (tmp_path / "empty" / "explorer" / "index.html").is_file()


def test_just_chat(run: Any) -> None:
    cells = [cell for cell in execute(run, "just_chat") if 'say("' in "".join(cell["source"])]
    answers = ["".join(outputs([cell], "stdout")) for cell in cells]
    assert len(answers) == 3
    assert min(map(len, answers)) > 20


def test_a_cell_that_fails_is_noticed(start: Any, tmp_path: Path) -> None:
    done = start(write(tmp_path / "fails.ipynb", code("import drugs_cpp", "drugs_cpp.DRUGS(X=1)")))
    assert done.returncode != 0
    assert "unknown argument 'X'" in done.stderr


def test_the_kernel_is_this_python_and_listens_on_this_machine_alone(run: Any, tmp_path: Path) -> None:
    asked = code(
        "import sys, psutil, drugs_cpp",
        "print(sys.executable, drugs_cpp.__file__)",
        "print({c.laddr.ip for c in psutil.Process().net_connections() if c.status == 'LISTEN'})",
    )
    printed = outputs(run(write(tmp_path / "asks.ipynb", asked)), "stdout")
    assert "".join(printed).split() == [sys.executable, str(Path(drugs_cpp.__file__).absolute()), "{'127.0.0.1'}"]
