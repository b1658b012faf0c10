"""Merged stores: nothing is lost, nothing is duplicated, and files that cannot be read change nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drugs_cpp.errors import OptionError, ResultFileError
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.store import Store
from drugs_cpp.study.sweep_merge import Merged, merge
from drugs_cpp.study.sweep_run import open_sweep
from drugs_cpp.tools.lab import main
from support.sweeps import add_cell, model_info, synthetic_store, text_row


def contents(path: Path) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Everything about each text, by what identifies it."""
    with open_sweep(path) as results:
        models, prompts, settings = results.models(), results.prompts(), results.settings()
        origins = results.origins()
        return {
            (models[cell.model], prompts[cell.prompt], settings[cell.setting], row.seed): (
                origins[origin],
                {**vars(row), "tokens": row.tokens.tolist(), "embedding": row.embedding.tolist()},
            )
            for cell in results.cells()
            for origin, row in results.texts_and_origins(cell)
        }


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Parts of a sweep in different orders, so that ids differ; some texts are in two of them."""
    first = synthetic_store(tmp_path / "a.db", 2, ["A", "K"], [0.1, 0.5], [1, 2])
    second = synthetic_store(tmp_path / "b.db", 3, ["V", "K", "H"], [0.5, 0.3], [3, 2])
    with open_sweep(first) as results:
        add_cell(results, Setting("Q", 0.7), [text_row("alone")], model=model_info("first"))
    with open_sweep(second) as results:
        results.origin({"unused": 1})
        add_cell(results, Setting("Q", 0.7), [text_row("other"), text_row("more", 2)], model=model_info("first"))
    return [first, second]


def test_nothing_is_lost(parts: list[Path], tmp_path: Path) -> None:
    first, second = map(contents, parts)
    output = tmp_path / "all.db"
    told: list[tuple[int, int]] = []
    merged = merge(parts, output, lambda n, n_all, _: told.append((n, n_all)))
    assert contents(output) == {**second, **first}
    both = first.keys() & second.keys()
    n_others = sum(first[key][1]["text"] != second[key][1]["text"] for key in both)
    assert n_others >= 1
    assert merged == [
        Merged(parts[0], len(first), len(first), 0, 0),
        Merged(parts[1], len(second), len(second) - len(both), n_others, 0),
    ]
    assert told[-1] == (len(first) + len(second),) * 2
    assert [contents(path) for path in parts] == [first, second]


def test_into_one_that_is_there(parts: list[Path], tmp_path: Path) -> None:
    first, second = map(contents, parts)
    (merged,) = merge(parts[:1], parts[1])
    assert contents(parts[1]) == {**first, **second}
    assert merged.n_new == len(first.keys() - second.keys())
    before = contents(parts[1])
    assert [some.n_new for some in merge([parts[0], parts[0]], parts[1])] == [0, 0]
    assert contents(parts[1]) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "b.db"]


def add_study(path: Path, key: str, rows: range) -> None:
    with Store(path) as store:
        study = store.study("vergence", {"of": key}, {"about": key})
        store.add("vergence", [(study, "A", "near", layer, 0.5, 1, 0.1, 5, b"a", b"b", b"c") for layer in rows])


def runs(path: Path) -> list[tuple[Any, ...]]:
    with Store(path) as store:
        return sorted(store.query("SELECT key, about, started_at, site, layer FROM vergence JOIN study ON id = study"))


def test_studies_of_vergence_are_joined(tmp_path: Path) -> None:
    first, second, output = (tmp_path / name for name in ("a.db", "b.db", "all.db"))
    add_study(first, "x", range(4))
    add_study(second, "y", range(2))
    add_study(second, "x", range(2, 7))
    merged = merge([first, second], output)
    assert [some.n_runs for some in merged] == [4, 5]
    assert [(row[0], row[-1]) for row in runs(output)] == [('{"of": "x"}', layer) for layer in range(7)] + [
        ('{"of": "y"}', layer) for layer in range(2)
    ]


def damage(path: Path) -> None:
    """Damage a store in the middle of its texts."""
    whole = path.read_bytes()
    at = whole.rindex(b"keeper") // 4096 * 4096
    path.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])


def damage_a_study(path: Path) -> None:
    """Damage a store in the middle of its runs, which only :meth:`Store.check` reads completely."""
    add_study(path, "x", range(2000))
    whole = path.read_bytes()
    at = whole.rindex(b"near") // 4096 * 4096
    path.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def make_foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")


def spoil_a_key(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE setting SET key = '{' WHERE id = 2")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damage, "damaged"),
        (damage_a_study, "damaged"),
        (make_newer, "newer version"),
        (make_foreign, "another program"),
        (spoil_a_key, "damaged"),
        (lambda path: path.write_bytes(b"text" * 1000), "not a results file"),
        (Path.unlink, "no such file"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_an_input_that_cannot_be_read_changes_nothing(
    parts: list[Path], tmp_path: Path, spoil: Any, message: str, is_new: bool
) -> None:
    output = tmp_path / "all.db"
    if not is_new:
        synthetic_store(output, 1, ["pK"], [0.2], [9])
    before = {} if is_new else contents(output)
    spoil(parts[1])
    with pytest.raises(ResultFileError, match=message) as raised:
        merge(parts, output)
    assert str(parts[1]) in str(raised.value)
    assert output.exists() != is_new
    assert is_new or contents(output) == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_broken_off_is_all_or_nothing_of_a_file(parts: list[Path], tmp_path: Path, is_new: bool) -> None:
    class Stop(Exception):
        """Like Ctrl-C."""

    n_first = len(contents(parts[0]))

    def stop(n_done: int, *_: object) -> None:
        if n_done > n_first:
            raise Stop

    output = tmp_path / "all.db"
    if not is_new:
        with open_sweep(output):
            pass
    with pytest.raises(Stop):
        merge(parts, output, stop)
    assert (contents(output) if output.exists() else {}) == ({} if is_new else contents(parts[0]))
    assert not list(tmp_path.glob(".*"))
    merge(parts, output)
    assert contents(output) == {**contents(parts[1]), **contents(parts[0])}


def test_mistakes(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing to merge"):
        merge([], tmp_path / "x.db")
    with pytest.raises(OptionError, match=r"a\.db is an input and the output"):
        merge(parts, tmp_path / "." / "a.db")
    with pytest.raises(OptionError, match="there is no folder"):
        merge(parts, tmp_path / "none" / "x.db")


def test_as_people_type_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, output = (str(tmp_path / name) for name in ("a.db", "b.db", "all.db"))
    for path, word, seeds in ((a, "one", (1, 2)), (b, "two", (2, 3, 4))):
        with open_sweep(path) as results:
            rows = [text_row("same" if seed == 2 and path == a else word, seed) for seed in seeds]
            add_cell(results, Setting("A", 0.1), rows)
            add_cell(results, Setting("A", 0.2), [replace(rows[0], seed=5, text="equal")])
    add_study(Path(b), "x", range(4))
    assert main(["merge", a, b, "-o", output]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{a}: 3 texts, 3 of them new",
        f"{b}: 4 texts, 2 of them new, 2 there already (1 of these with other words; the first ones stay); "
        "4 new runs of vergence",
        output,
    ]
    assert main(["merge", a, "none.db", "-o", output]) == 2
    assert "none.db: no such file" in capsys.readouterr().err
