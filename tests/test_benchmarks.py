"""What benchmarks needs besides measuring: how it processes numbers, and the file that it writes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as main
from benchmarks import alternate, busy, cached, gpu, growth, instructions, speed
from benchmarks.alternate import alternate_numbers
from benchmarks.counting import n_fed_back
from benchmarks.machine import machine, model_file
from benchmarks.measured import Measured
from benchmarks.programs import __main__ as programs
from benchmarks.results import Cell, Results, compared
from benchmarks.setup import Setup
from benchmarks.synthetic import Shape, write_model
from conftest import MakeLlama, last_logits
from support.program import DRUGS as PROGRAM


def measured(*samples: float, unit: str = "tokens/s", **kwargs: Any) -> Measured:
    return Measured(np.array(samples), unit, **kwargs)


#
# numbers
#


def test_median_and_quartiles() -> None:
    five = measured(5, 1, 3, 2, 4)
    assert (five.median, five.quartiles) == (3, (2, 4))
    assert str(five) == "3.0 (2.0 to 4.0)"
    assert str(measured(2.345, digits=2)) == "2.35"


def test_ratios_are_of_the_same_round() -> None:
    ratio = measured(10, 40, 60).against(measured(10, 20, 60), "sober")
    assert ratio.samples.tolist() == [1, 2, 1]
    assert str(ratio) == "1.000 (1.000 to 1.500) of sober"


def test_no_round_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        measured()


def test_compared() -> None:
    sides = {"a": measured(2, 4), "b": measured(1, 1)}
    (a, b) = compared(sides, "b", digits=1)
    assert a[:2] == ["a", sides["a"]]
    assert str(a[2]) == "3.0 (2.5 to 3.5) of b"
    assert b == ["b", sides["b"], ""]


def test_sober_is_compared_with_upstream_and_doses_with_sober() -> None:
    rows = speed.rows({speed.UPSTREAM: measured(10), speed.SOBER: measured(9), "A": measured(8.1)})
    assert [str(row[2]) for row in rows] == ["", "0.900 of unpatched", "0.900 of sober"]


@pytest.mark.parametrize(("reasons", "expected"), [(["length"] * 3, 27), (["stop", "length", "stop"], 29)])
def test_the_last_token_of_a_long_text_is_not_fed_back(reasons: list[str], expected: int) -> None:
    choices = [{"finish_reason": reason} for reason in reasons]
    assert n_fed_back({"choices": choices, "usage": {"completion_tokens": 30}}) == expected


def test_brute_force_takes_its_time_beside_everything_else() -> None:
    sober, turns = measured(100, 100), measured(30, 40, unit="ms")
    assert cached.brute_force_speed(sober, turns).median == pytest.approx(1000 / (10 + 35))


def test_growth() -> None:
    rows = {str(row[0]): row[1] for row in growth.rows([100, 104, 102], [1, 2, 3])}
    numbers = {name: cell.median for name, cell in rows.items() if isinstance(cell, Measured)}
    assert numbers == {
        "after the first round": 100,
        "after the last": 102,
        "most": 104,
        "all rounds": 102,
        "increase per minute": pytest.approx(1),
    }


def test_instructions_in_a_dump() -> None:
    assert instructions.counted("# callgrind format\nsummary: 0\n\ntotals: 4641617\n") == 4641617
    with pytest.raises(SystemExit, match="counted nothing"):
        instructions.counted("summary: 0\ntotals: 0\n")


#
# taking turns
#


def test_sides_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alternate, "REST", 0)
    order: list[str] = []
    told: list[tuple[int, int]] = []

    def side(name: str) -> float:
        order.append(name)
        return len(order)

    sides = {"a": lambda: side("a"), "b": lambda: side("b")}
    found = alternate_numbers(sides, 20, lambda done, of: told.append((done, of)))
    rounds = [order[i : i + 2] for i in range(0, len(order), 2)]
    assert len(rounds) == 21
    assert all(sorted(names) == ["a", "b"] for names in rounds)
    assert 3 < sum(names == ["a", "b"] for names in rounds) < 18
    assert sorted([*found["a"].samples, *found["b"].samples]) == list(range(3, 43))  # without the first round
    assert told[-1] == (20, 20)


#
# the file
#


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "build" / "bench.json", {"threads": 2}, ["speed", "memory"])


def test_a_table_is_printed_and_kept(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    results.begin("speed")
    ratio = measured(1, unit="ratio", digits=3, of="b")
    rows: list[list[Cell]] = [["a", measured(1, 2, 3), ratio], ["b", measured(2, 2, 2), ""]]
    results.table("Title", ["side", "tokens/s", "ratio"], rows)
    printed = capsys.readouterr().out
    assert printed.startswith("Title:\n\n| side | tokens/s: median (quartiles) | ratio      |\n")
    assert "| a    | 2.0 (1.5 to 2.5)             | 1.000 of b |\n" in printed

    content = json.loads(results.output.read_text(encoding="utf-8"))
    assert (content["format"], content["threads"], content["ended"]) == (1, 2, None)
    (table,) = content["parts"]["speed"]["tables"]
    assert table["title"] == "Title"
    assert table["rows"][0] == {
        "side": "a",
        "tokens/s": {"unit": "tokens/s", "median": 2, "quartiles": [1.5, 2.5], "samples": [1, 2, 3]},
        "ratio": {"unit": "ratio", "of": "b", "median": 1, "quartiles": [1, 1], "samples": [1]},
    }
    assert "ratio" not in table["rows"][1]


def test_the_file_holds_what_there_is_so_far(results: Results) -> None:
    results.begin("speed")
    results.note("not measured")
    results.begin("memory")
    results.table("Title", ["side", "MiB"], [["a", measured(1, unit="MiB")]])
    content = json.loads(results.output.read_text(encoding="utf-8"))
    assert content["parts"]["speed"]["notes"] == ["not measured"]
    assert len(content["parts"]["memory"]["tables"]) == 1
    assert content["ended"] is None
    results.end()
    assert json.loads(results.output.read_text(encoding="utf-8"))["ended"] >= content["started"]
    assert [path.name for path in results.output.parent.iterdir()] == ["bench.json"]


def test_one_part_does_not_overwrite_a_run_of_all() -> None:
    assert main.default_output("all") == Path("build", "bench.json")
    assert main.default_output("speed") == Path("build", "bench-speed.json")


def test_the_machine_is_described(tmp_path: Path, model_path: str) -> None:
    about = machine(tmp_path / "no such program")
    assert about["compiler"] is None
    assert about["cpu"]
    assert about["cores"] >= about["cores_usable"] >= 1
    assert json.loads(json.dumps(about)) == about
    assert model_file(model_path)["bytes"] > 10**7


def test_a_part_that_fails_leaves_the_others(
    tmp_path: Path, model_path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(setup: Setup, results: Results, rounds: int) -> None:
        assert (setup.model, setup.n_threads) == (model_path, 3)
        if rounds == 1:
            raise SystemExit("benchmarks: no such folder")
        if rounds == 2:
            raise ValueError("surprise")
        results.table("Title", ["side", "s"], [["a", measured(1, unit="s")]])

    monkeypatch.setattr(main, "PARTS", {f"part {n}": main.Part(measure, n) for n in (1, 2, 3)})
    output = tmp_path / "bench.json"
    monkeypatch.setattr(sys, "argv", ["benchmarks", "-t", "3", "-m", model_path, "-o", str(output)])
    assert main.main() == 2
    parts = json.loads(output.read_text(encoding="utf-8"))["parts"]
    assert [part["notes"] for part in parts.values()] == [
        ["part 1: not measured: no such folder"],
        ["part 2: not measured: ValueError('surprise')"],
        [],
    ]
    assert len(parts["part 3"]["tables"]) == 1
    assert "benchmarks: not measured: part 1, part 2" in capsys.readouterr().err


#
# GPUs
#


def test_a_synthetic_model_decodes(make_llama: MakeLlama, tmp_path: Path) -> None:
    path = tmp_path / "synthetic.gguf"
    write_model(path, Shape(n_layer=2, n_embd=64, n_head=4, n_head_kv=2, n_ff=96, n_vocab=600))
    llm = make_llama(path)
    llm.drugs.set_dose_theta(0.5, "A")
    assert len(llm.Dgenerate([1, 300, 301], max_new_tokens=4)) == 4
    logits = last_logits(llm)
    assert np.isfinite(logits).all()
    assert logits.std() > 0
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_card_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drugs_cpp._core.devices", lambda: [{"name": "CPU", "description": "", "kind": "CPU"}])
    results = Results(tmp_path / "results.json", {}, ["gpu"])
    with pytest.raises(SystemExit, match="no graphics card"):
        gpu.measure(Setup("model.gguf", 1, 16), results, 1)


@pytest.mark.parametrize(
    ("n_processors", "n_threads", "n_busy", "share"),
    [(2, 2, 0, 1), (2, 2, 1, 2 / 3), (2, 2, 2, 1 / 2), (2, 1, 1, 1), (8, 4, 2, 1), (2, 4, 2, 2 / 3)],
)
def test_a_share_is_of_the_speed_without_busy_processes(
    n_processors: int, n_threads: int, n_busy: int, share: float
) -> None:
    assert busy.share_of(n_processors, n_threads, n_busy) == pytest.approx(share)


def test_two_builds_of_the_program_are_compared(tiny_model_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert programs.main([str(PROGRAM), "-m", tiny_model_path, "-t", "1", "-r", "1"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["a prompt of 128 tokens", "64 tokens, one by one"]
    assert all(re.search(r"\d\.\d{3} of this build \|$", row) for row in rows[2:])
