"""Exports of sweeps: what the tables contain, and that they are either complete or absent."""

from __future__ import annotations

import csv
import json
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import PressCtrlC
from drugs_cpp.errors import MissingExtraError, OptionError, ResultFileError
from drugs_cpp.study.cell_measures import MEASURES, cell_measures
from drugs_cpp.study.row_files import write_csv, write_json_lines, write_parquet
from drugs_cpp.study.setting import SAMPLER, Setting
from drugs_cpp.study.sweep_export import MEASURING, WRITING, export
from drugs_cpp.study.sweep_rows import COLUMNS, TEXT, WHOLE
from drugs_cpp.study.sweep_run import open_sweep
from drugs_cpp.tools.lab import main
from support.sweeps import ORIGIN, add_cell, model_info, synthetic_store, text_row

ODD = ['quotes "and", commas;\nlines\r\nof\rall kinds\n', "", "=1+1", "é 🌊 \u2028 \x01", "NA", "nul \0 inside"]

FIRST = ["model", "prompt", "site", "dose", "seed", "text"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a sweep, with texts that could break a table."""
    path = synthetic_store(tmp_path_factory.mktemp("export") / "x.db")
    with open_sweep(path) as results:
        rows = [text_row(text, seed) for seed, text in enumerate(ODD)]
        rows[1] = replace(rows[1], log_likelihood=None, embedding=np.zeros(0, np.float16))
        shape = ((0.1, 0.0), (0.5, 1.0))
        add_cell(results, Setting("V", 0.1, "mine", shape, "ceil", "reference", (), 7, "last", 3), rows)
        add_cell(results, Setting(SAMPLER, sampler=(("temperature", 0.8), ("top_k", 40.0))), rows[:1])
    return path


def read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: value if COLUMNS[name] == TEXT else _number(name, value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _number(name: str, value: str) -> float | None:
    return None if value == "" else int(value) if COLUMNS[name] == WHOLE else float(value)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def read_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pytest.importorskip("pyarrow.parquet").read_table(str(path)).to_pylist()
    return rows


READERS = {".csv": read_csv, ".jsonl": read_json_lines, ".parquet": read_parquet}


@pytest.mark.parametrize("ending", READERS)
def test_a_table_has_what_the_store_has(store: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    n_texts = export(store, path)
    rows = READERS[ending](path)
    assert len(rows) == n_texts == 2 * (1 + 2 * 2 * 3) + len(ODD) + 1
    assert list(rows[0]) == list(COLUMNS)
    assert list(rows[0])[: len(FIRST)] == FIRST
    found = iter(rows)
    with open_sweep(store) as results:
        cells = results.cells()
        measures = cell_measures(results, cells)
        models, prompts, settings = results.models(), results.prompts(), results.settings()
        for cell in cells:
            for text in results.texts(cell):
                row, setting, prompt = next(found), settings[cell.setting], prompts[cell.prompt]
                nul = "\ufffd" if ending == ".csv" else "\0"
                assert row["text"] == text.text.replace("\0", nul)
                for name in ("seed", "log_likelihood", "parted", "compressibility", "repeated", "ending", "seconds"):
                    assert row[name] == getattr(text, name), name
                assert row["n_tokens"] == len(text.tokens)
                assert {name: row[f"cell_{name}"] for name in MEASURES} == measures[cell]
                for name in ("site", "dose", "profile", "mode", "noise", "max_tokens", "sink"):
                    assert row[name] == getattr(setting, name), name
                shape = json.loads(row["shape"])
                assert (None if shape is None else tuple(map(tuple, shape))) == setting.shape
                assert tuple(json.loads(row["sampler"]).items()) == setting.sampler
                assert row["dose_inputs"] == ("last" if setting.dose_inputs else "false")
                assert (row["model"], row["quantization"], row["architecture"]) == ("synthetic-7b", "Q4_1", "llama")
                assert row["model_sha256"] == models[cell.model].key
                assert (row["prompt"], row["prompt_text"]) == (prompt.name, prompt.text)
                assert tuple((m["role"], m["content"]) for m in json.loads(row["prompt_messages"])) == prompt.messages
                assert json.loads(row["origin"]) == ORIGIN
                assert (row["llama_cpp_commit"], row["cpu"]) == (ORIGIN["llama_cpp_commit"], ORIGIN["cpu"])
    assert next(found, None) is None


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    columns = {"a": "real number"}
    rows: list[dict[str, Any]] = [{"a": -np.inf}, {"a": None}, {"a": 0.1}]
    write_json_lines(tmp_path / "x.jsonl", columns, rows)
    assert (tmp_path / "x.jsonl").read_text(encoding="utf-8") == '{"a": null}\n{"a": null}\n{"a": 0.1}\n'
    write_csv(tmp_path / "x.csv", columns, rows)
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines() == ["a", "-inf", '""', "0.1"]


def test_imported_models_have_no_hash(tmp_path: Path) -> None:
    with open_sweep(tmp_path / "x.db") as results:
        imported = replace(model_info(), key="imported:m/4bit")
        unknown = replace(text_row("a"), tokens=np.zeros(0, np.int32))
        add_cell(results, Setting("A", 0.1), [unknown], model=imported)
    export(tmp_path / "x.db", tmp_path / "x.jsonl")
    (row,) = read_json_lines(tmp_path / "x.jsonl")
    assert (row["model_sha256"], row["n_tokens"]) == ("", None)


@pytest.mark.parametrize("write", [write_csv, write_json_lines, write_parquet])
def test_many_rows_need_no_memory(tmp_path: Path, write: Callable[..., None]) -> None:
    columns = {"text": TEXT}
    write(tmp_path / "first", columns, [{"text": ""}])  # everything that is loaded only once
    tracemalloc.start()
    try:
        write(tmp_path / "x", columns, ({"text": f"{i:01000}"} for i in range(20_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8e6  # of 20e6


#
# mistakes
#


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ("x.xlsx", OptionError, "has to end in .csv, .jsonl, .parquet, or in /"),
        ("none/x.csv", OptionError, "there is no folder"),
        ("full", OptionError, "already exists and is not empty"),
        ("full/", OptionError, "already exists and is not empty"),
        ("full.csv", OptionError, "already exists and is not empty"),
        ("file/", OptionError, "already exists and is not empty"),
    ],
)
def test_outputs_that_cannot_be(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, error: type[Exception], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("full", "full.csv"):
        Path(folder).mkdir()
        Path(folder, "mine").write_text("x")
    Path("file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=message):
        export(store, output)
    assert sorted(tmp_path.rglob("*")) == before


def test_stores_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match="no such file"):
        export(tmp_path / "none.db", tmp_path / "x.csv")
    assert not (tmp_path / "none.db").exists()
    with open_sweep(tmp_path / "empty.db"):
        pass
    with pytest.raises(ResultFileError, match=r"empty\.db has no texts"):
        export(tmp_path / "empty.db", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_a_name_that_no_folder_can_have(tmp_path: Path) -> None:
    with open_sweep(tmp_path / "x.db") as results:
        add_cell(results, Setting("A", 0.1), [text_row("a")], model=replace(model_info(), name="m" * 300))
    with pytest.raises(OptionError, match=r"'m+'\.\.\. is too long"):
        export(tmp_path / "x.db", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.db"]


def test_a_missing_package_is_said_first(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pyarrow is not installed"):
        export(store, tmp_path / "x.parquet", progress=lambda *_: pytest.fail("something was done"))
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    export(store, tmp_path / "x.csv")  # it needs neither
    assert read_csv(tmp_path / "x.csv")[0]["cell_self_bleu"] is None


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x/"])
def test_a_file_is_whole_or_the_old_one(store: Path, tmp_path: Path, name: str) -> None:
    class Stop(Exception):
        """Like Ctrl-C."""

    def stop(what: str, n: int, *_: object) -> None:
        if what == WRITING and n > 5:
            raise Stop

    if name != "x/":
        (tmp_path / name).write_text("old")
    with pytest.raises(Stop):
        export(store, str(tmp_path) + "/" + name, progress=stop)
    assert [path.read_text() for path in tmp_path.iterdir()] == ([] if name == "x/" else ["old"])
    (tmp_path / "y").mkdir()
    export(store, tmp_path / "y")  # an empty folder
    assert len(list((tmp_path / "y").rglob("*.md"))) == 12


#
# as people type it
#


def test_what_it_prints(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[str, int, int]] = []
    n_texts = export(store, tmp_path / "x.csv", progress=lambda what, n, n_all, _: told.append((what, n, n_all)))
    assert told[-1] == (WRITING, n_texts, n_texts)
    assert {what for what, *_ in told} <= {MEASURING, WRITING}
    assert main(["export", str(store), "-o", str(tmp_path / "x.jsonl")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.jsonl'}: {n_texts} texts\n"
    assert main(["export", str(store), "-o", str(tmp_path / "folder"), "--embedding", "x"]) == 2
    assert "leave --embedding out" in capsys.readouterr().err
    assert main(["export", str(store), "-o", str(tmp_path / "x.bmp")]) == 2


def test_an_embedding_says_how_different_texts_are(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Package:
        class SentenceTransformer:
            def __init__(self, name: str, device: str) -> None:
                assert (name, device) == ("some", "cpu")

            def encode(self, texts: list[str], show_progress_bar: bool) -> list[list[float]]:
                assert not show_progress_bar
                return [[1.0, 0.0] for _ in texts]

    monkeypatch.setitem(sys.modules, "sentence_transformers", Package)
    assert main(["export", str(store), "-o", str(tmp_path / "x.csv"), "--embedding", "some"]) == 0
    assert np.allclose([row["cell_vendi"] for row in read_csv(tmp_path / "x.csv")], 1)
    export(store, tmp_path / "x.csv")
    assert max(row["cell_vendi"] or 0 for row in read_csv(tmp_path / "x.csv")) > 2


def test_ctrl_c_leaves_nothing(tmp_path: Path, press_ctrl_c: PressCtrlC, capsys: pytest.CaptureFixture[str]) -> None:
    store = synthetic_store(tmp_path / "x.db", n_prompts=40, n_words=60, seeds=range(1, 21))
    output = tmp_path / "out"
    press_ctrl_c(lambda: sum(path.is_dir() for path in tmp_path.iterdir()), 1)
    assert main(["export", str(store), "-o", str(output)]) == 130
    assert "stopped" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
