"""Doses by their effect in the programs and the server: the same angles as in Python, from the same files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from drugs_cpp import DRUGS
from drugs_cpp.doses.titration import Titration
from drugs_cpp.engine.effects import Effects
from drugs_cpp.model.known_effects import keep_effects
from support.program import Server, run_drugs
from support.serving import TINY


def titration(drugs: DRUGS, angle: float, kl: float | None = None) -> Titration:
    """A titration as if it had been measured."""
    target = drugs.dosage.effect
    assert target is not None
    return Titration(target, angle, 0.01, kl or target, 0.001, 0.002, 0.1, 1.1, drugs.dosage.at_angle(angle))


def completed(path: str, *arguments: str, **environment: str) -> tuple[dict[str, Any], str]:
    """The doses that `drugs complete` reports, and the rest of its output."""
    given = ("complete", "-m", path, "-p", "The sea", "-n", "1", "-c", "64", "-no-cnv", "-ngl", "0")
    run = run_drugs(*given, *arguments, **environment)
    assert run.returncode == 0, run.stderr
    found = re.search(r"doses: (\{.*\})", run.stderr)
    return (json.loads(found.group(1)) if found else {}), run.stderr


@pytest.mark.parametrize(
    ("arguments", "drugs"),
    [
        (["--dose", "mild"], DRUGS.mild()),
        (["--dose", "strong", "--dose", "H=2,A=1"], DRUGS(H=2, A=1, effect="strong")),
        (["--dose", "medium", "--dose-shape", "A=ceil:0.5:0,1:1"], None),
    ],
)
def test_estimates_are_those_of_python(
    tiny_model_path: str,
    arguments: list[str],
    drugs: DRUGS | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))  # where nothing was measured
    if drugs is None:
        shape = ([{"depth": 0.5, "peakratio": 0}, {"depth": 1, "peakratio": 1}], "ceil")
        drugs = DRUGS(effect="medium", shape={"A": shape})
    said, messages = completed(tiny_model_path, *arguments)
    expected = Effects().find(drugs.dosage)
    for site, theta in expected.dosage.thetas.items():
        assert said.get(site, 0) == pytest.approx(theta, rel=1e-6)
    assert (said["effect"], said["source"]) == (drugs.effect, "estimated")
    assert f"drugs-lab titrate -m {tiny_model_path}" in messages


def test_what_python_measured_counts(tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))
    held = DRUGS(H=0.5, K=1, effect=0.07, hold="text", noise="reference")
    keep_effects(Path(tiny_model_path), [titration(DRUGS.mild(), 0.123), titration(held, 0.321)])
    said, messages = completed(tiny_model_path, "--dose", "mild")
    assert (said["A"], said["effect"], said["source"]) == (0.123, "mild", "calibrated")
    assert "estimated" not in messages
    held.save(tmp_path / "held.json")
    said, _ = completed(tiny_model_path, "--dose-profile", str(tmp_path / "held.json"), "--dose-multiplier", "2")
    assert (said["H"], said["K"], said["multiplier"], said["source"]) == (0.1605, 0.321, 2, "calibrated")

    said, _ = completed(tiny_model_path, "--dose", "strong")  # from the mild one
    effects = Effects()
    effects.add([titration(DRUGS.mild(), 0.123)])
    assert said["A"] == pytest.approx(effects.find(DRUGS.strong().dosage).angle)

    os.utime(tiny_model_path, (1, 1))  # as if it were a different file
    said, _ = completed(tiny_model_path, "--dose", "mild")
    assert said["source"] == "estimated"


def test_a_damaged_file_of_effects_is_none(tiny_model_path: str, tmp_path: Path) -> None:
    for damage in ("", "{", "[]", '{"files": 3}', '{"files": {}, "models": []}'):
        (tmp_path / "effects.json").write_text(damage)
        said, _ = completed(tiny_model_path, "--dose", "mild", DRUGS_CACHE=str(tmp_path))
        assert said["source"] == "estimated"


@pytest.mark.parametrize(
    "damage",
    [{"dose": {}}, {"dose": {"effect": "mild"}}, {"dose": 3}, {"angle": 9}, {"angle": 0}, {"target": -1}, {"kl": 0}],
    ids=str,
)
def test_what_was_never_measured_counts_as_nothing(
    tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: dict[str, Any]
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))
    keep_effects(Path(tiny_model_path), [titration(DRUGS.mild(), 0.123)])
    kept = json.loads((tmp_path / "effects.json").read_text(encoding="utf-8"))
    [model] = kept["models"].values()
    good = model["doses"][0]
    model["doses"] = [{**good, **damage}]
    (tmp_path / "effects.json").write_text(json.dumps(kept), encoding="utf-8")
    assert completed(tiny_model_path, "--dose", "mild")[0]["source"] == "estimated"
    model["doses"].append(good)
    (tmp_path / "effects.json").write_text(json.dumps(kept), encoding="utf-8")
    assert completed(tiny_model_path, "--dose", "mild")[0]["source"] == "calibrated"


@pytest.mark.parametrize(
    ("dose", "message"),
    [
        ("0.001", "under next to no dose this model moves by 0.002 already"),
        ("1e300", "for which no angle can be estimated"),
    ],
)
def test_effects_out_of_reach_are_refused(
    tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dose: str, message: str
) -> None:
    monkeypatch.setenv("DRUGS_CACHE", str(tmp_path))
    keep_effects(Path(tiny_model_path), [titration(DRUGS.mild(), 0.123)])
    (tmp_path / "dose.json").write_text(json.dumps({"effect": float(dose)}), encoding="utf-8")
    run = run_drugs("complete", "-m", tiny_model_path, "-p", "x", "--dose-profile", str(tmp_path / "dose.json"))
    assert run.returncode == 1
    assert message in run.stderr


def test_the_largest_angle_of_a_server_holds_for_effects(tiny_model_path: str) -> None:
    run = run_drugs("serve", "-m", tiny_model_path, "--port", "0", "--dose", "strong", "--dose-max", "0.1")
    assert run.returncode == 1
    assert "this server allows 0.1 at most" in run.stderr
    run = run_drugs("complete", "-m", tiny_model_path, "-p", "x", "--dose", "mild,strong")
    assert run.returncode == 1
    assert "a dose has one effect: give mild or strong" in run.stderr


def test_an_effect_may_be_given_in_nats(tiny_model_path: str) -> None:
    run = run_drugs("complete", "-m", tiny_model_path, "-p", "x", "-n", "1", "-v", "--dose", "effect=0.123,H=2,A=1")
    expected = Effects().find(DRUGS(effect=0.123, H=2, A=1).dosage)
    assert run.returncode == 0, run.stderr
    found = re.search(r"doses: (\{.*\})", run.stderr)
    assert found is not None
    assert json.loads(found.group(1))["H"] == pytest.approx(expected.angle)
    for given, message in (
        ("effect=0", "the effect is 0 nats"),
        ("effect=much", "the effect (nats) is 'much': give a number"),
        ("mild,effect=0.1", "a dose has one effect: give mild or effect=0.1"),
    ):
        run = run_drugs("complete", "-m", tiny_model_path, "-p", "x", "--dose", given)
        assert run.returncode == 1
        assert message in run.stderr


def test_programs_that_measure_know_effects_too(tiny_model_path: str) -> None:
    run = run_drugs("bench", "-m", tiny_model_path, "-p", "8", "-n", "0", "-r", "1", "-ngl", "0", "--dose", "strong")
    assert run.returncode == 0, run.stderr
    expected = Effects().find(DRUGS.strong().dosage).angle
    found = re.search(r"doses: (\{.*\})", run.stderr)
    assert found is not None
    assert json.loads(found.group(1))["A"] == pytest.approx(expected)


def test_a_word_that_there_is_not_is_refused(tiny_model_path: str) -> None:
    run = run_drugs("complete", "-m", tiny_model_path, "-p", "x", "--dose", "weak")
    assert run.returncode == 1
    assert "'weak' is not a dose: give SITE=ANGLE, for example A=0.1, or mild, medium, strong" in run.stderr


#
# server
#


@pytest.mark.parametrize(
    "given", ["strong", {"effect": "strong"}, {"effect": 0.2, "A": 3}, {"effect": "strong", "source": "x"}]
)
def test_a_request_names_an_effect(tiny_server: Server, given: Any) -> None:
    angle = Effects().find(DRUGS.strong().dosage).angle
    said = tiny_server.post("/completion", {"prompt": "a", "n_predict": 2, "seed": 4, "drugs": given}).json["drugs"]
    assert (said["A"], said["effect"], said["seed"]) == (pytest.approx(angle), "strong", 4)
    again = tiny_server.post("/completion", {"prompt": "a", "n_predict": 2, "drugs": said}).json["drugs"]
    assert again == said


def test_the_server_says_what_words_mean(tiny_server: Server) -> None:
    effects = tiny_server.get("/props").json["drugs"]["effects"]
    for name, effect in effects.items():
        expected = Effects().find(DRUGS(effect=name).dosage)
        assert effect["nats"] == expected.target
        assert effect["doses"] == {"A": pytest.approx(expected.angle)}
        assert effect["source"] == "estimated"


def test_a_server_with_a_limit_offers_what_it_allows(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "--dose-max", "0.5", "--dose", "mild") as server:
        props = server.get("/props").json["drugs"]
        assert list(props["effects"]) == ["mild", "medium"]
        assert props["dosage"]["effect"] == "mild"
        answer = server.post("/completion", {"prompt": "a", "n_predict": 2, "drugs": "strong"})
        assert answer.status == 400
        assert "this server allows 0.5 at most" in answer.error


@pytest.mark.parametrize(
    ("given", "message"),
    [("weak", "unknown effect 'weak'"), ({"effect": 0}, "the effect is 0 nats"), ({"effect": [1]}, "give a number")],
)
def test_what_is_no_effect_is_refused(tiny_server: Server, given: Any, message: str) -> None:
    answer = tiny_server.post("/completion", {"prompt": "a", "drugs": given})
    assert answer.status == 400
    assert message in answer.error
