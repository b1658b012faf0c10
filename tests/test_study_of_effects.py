"""The benchmark of effects: its committed results are those on the page and in the estimates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.effects.__main__ import factors, table
from benchmarks.effects.curves import ANGLES, curves
from benchmarks.effects.factors import of_several, per_square
from benchmarks.effects.picture import draw
from benchmarks.report import markdown
from drugs_cpp import SITES, _core

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def models() -> list[dict[str, Any]]:
    return list(json.loads((ROOT / "benchmarks" / "results" / "effects.json").read_text(encoding="utf-8")).values())


def test_the_page_has_what_was_measured(models: list[dict[str, Any]]) -> None:
    page = (ROOT / "docs" / "effect.md").read_text(encoding="utf-8")
    for model in models:
        assert f"`{model['name']}`" in page
        assert table(model) in page
    assert markdown(["site", *(model["name"] for model in models), "together"], factors(models)) in page


def test_estimates_go_by_what_was_measured(models: list[dict[str, Any]]) -> None:
    found = [of_several([per_square(model["curves"][site]) for model in models]) for site in SITES]
    np.testing.assert_allclose(_core.effect_nats(), found, rtol=0.05)
    floors = [one[0]["kl"] for model in models for one in model["curves"].values()]
    assert _core.effect_floor() == pytest.approx(np.exp(np.mean(np.log(floors))), rel=0.1)


def test_a_factor_is_that_of_the_square() -> None:
    made = [{"angle": angle, "kl": 0.002 + 0.7 * angle**2} for angle in (0.001, 0.01, 0.1, 1.0)]
    assert per_square(made) == pytest.approx(0.7, rel=1e-3)
    assert of_several([2, 8]) == pytest.approx(4)
    assert of_several([2, 80]) == 80


def test_curves_rise_from_the_floor(tiny_model_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some_angles = (ANGLES[0], ANGLES[4], ANGLES[-1])
    monkeypatch.setattr("benchmarks.effects.curves.ANGLES", some_angles)
    found = curves(Path(tiny_model_path))
    assert list(found) == list(SITES)
    for some in found.values():
        assert [one["angle"] for one in some] == list(some_angles)
        assert some[0]["kl"] < some[1]["kl"] < some[2]["kl"]
    pytest.importorskip("matplotlib")
    draw([{"name": "tiny", "curves": found}], tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000
