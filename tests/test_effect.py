"""Doses by their effect, as values: names, proportions, JSON, and the angles that are estimated for them."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drugs_cpp import DRUGS, SITES, DoseError, _core
from drugs_cpp.doses.dosage import Dosage, dosage_from_dict
from drugs_cpp.doses.effect import EFFECTS, read_effect
from drugs_cpp.doses.text import read_doses, write_doses
from drugs_cpp.doses.titration import CALIBRATED, ESTIMATED, Titration, titration_of
from drugs_cpp.engine.effects import Effects


def found(dosage: Dosage, target: float, angle: float, kl: float) -> Titration:
    """A titration as if it had been measured."""
    return Titration(target, angle, 0.01, kl, 0.001, 0.002, 0.1, 1.1, dosage.at_angle(angle))


#
# values
#


def test_names_are_effects_in_nats() -> None:
    assert dict(EFFECTS) == {"mild": 0.01, "medium": 0.05, "strong": 0.2}
    for name, kl in EFFECTS.items():
        drugs = getattr(DRUGS, name)(seed=3)
        assert (
            drugs
            == DRUGS(effect=name, seed=3)
            == DRUGS(name, seed=3)
            == DRUGS(effect=kl, seed=3)
            == DRUGS.by_effect(kl, seed=3)
        )
        assert (drugs.effect, drugs.seed) == (name, 3)
        assert read_effect(name) == kl


def test_an_effect_has_no_angles_of_its_own() -> None:
    drugs = DRUGS.medium()
    assert not drugs.is_sober
    assert DRUGS(A=1).dosage != drugs.dosage
    with pytest.raises(DoseError, match=r"medium.*llm\.titrate"):
        drugs.table(4)


def test_what_is_given_for_sites_are_proportions() -> None:
    assert DRUGS(H=0.2, A=0.1, effect=0.03) == DRUGS(H=2, A=1, effect=0.03) != DRUGS(H=1, A=1, effect=0.03)
    at_both = DRUGS.by_effect(0.03, ("H", "A"), hold="text")
    assert at_both == DRUGS(H=3, A=3, effect=0.03, hold="text")
    angles = at_both.dosage.at_angle(0.25)
    assert {site: angles.thetas[site] for site in ("H", "A")} == {"H": 0.25, "A": 0.25}
    assert angles.hold == at_both.dosage.hold


@pytest.mark.parametrize(
    "values", [{"effect": "mild"}, {"effect": 0.07, "H": 1.0, "A": 0.5, "hold": "text", "seed": 7}]
)
def test_they_are_read_as_they_were_written(values: dict[str, Any], tmp_path: Path) -> None:
    drugs = DRUGS(values)
    assert drugs.to_dict() == {"noise": "isotropic", "seed": None, **values}
    drugs.save(tmp_path / "dose.json")
    assert DRUGS.load(tmp_path / "dose.json") == drugs == pickle.loads(pickle.dumps(drugs)) == drugs.copy()
    assert drugs._repr_html_()


def test_what_an_answer_says_can_be_given_again() -> None:
    answer = {"A": 0.1364, "effect": "mild", "source": "calibrated", "noise": "isotropic", "seed": 5}
    assert DRUGS(answer) == DRUGS.mild(seed=5)


def test_an_angle_takes_the_place_of_an_effect() -> None:
    drugs = DRUGS.by_effect("strong", ("H", "K"))
    drugs.set_dose_theta(0.3, "A")
    assert drugs == DRUGS(A=0.3)
    drugs.effect = 0.05
    assert drugs == DRUGS(A=1, effect="medium")
    drugs.effect = None
    assert drugs.is_sober
    drugs.effect = "mild"
    drugs.detox()
    assert drugs == DRUGS()


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ("huge", "unknown effect 'huge'"),
        ("A=0.3", "or angles such as"),
        (0, "is 0 nats"),
        (-1, "is -1 nats"),
        (math.nan, "finite"),
        (True, "True"),
    ],
)
def test_what_is_no_effect_is_refused(effect: Any, message: str) -> None:
    with pytest.raises(DoseError, match=message):
        DRUGS(effect=effect)
    drugs = DRUGS(A=0.1)
    with pytest.raises(DoseError, match=message):
        drugs.effect = effect
    assert drugs == DRUGS(A=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DRUGS.by_effect(None), "the effect"),  # type: ignore[arg-type]
        (lambda: DRUGS.by_effect(0.1, site=3), "unknown site 3"),  # type: ignore[arg-type]
        (lambda: DRUGS.by_effect(0.1, site=[]), "no site is named"),
        (lambda: read_doses("mild,strong"), "one effect: give mild or strong"),
    ],
)
def test_what_names_nothing_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DoseError, match=message):
        make()


def test_proportions_may_be_any_numbers() -> None:
    for drugs in (DRUGS(effect="strong", H=20, A=10), DRUGS({"effect": "strong", "H": 20, "A": 10})):
        assert drugs == DRUGS(effect="strong", H=1, A=0.5)
    assert DRUGS(read_doses("mild,A=100")) == DRUGS.mild()


def test_a_profile_with_an_angle_takes_the_place_of_an_effect() -> None:
    drugs = DRUGS.mild(K=1, hold="text")
    drugs.set_drug_profile(None, None, "A", dose_theta=0.3)
    assert drugs == DRUGS(A=0.3, hold="text")
    drugs = DRUGS.mild()
    points = [{"depth": 0, "peakratio": 1}, {"depth": 1, "peakratio": 0}]
    drugs.set_drug_profile(points, None, "A")
    assert drugs.effect == "mild"


def test_effects_as_people_type_them() -> None:
    assert read_doses("mild") == {"effect": "mild"}
    assert DRUGS(**read_doses("strong H=1")) == DRUGS(H=1, effect="strong")
    assert DRUGS(**read_doses("effect=0.1,H=1")) == DRUGS(H=1, effect=0.1)
    assert read_doses("effect=mild") == {"effect": "mild"}
    assert write_doses(DRUGS.mild().dosage) == "mild at A=1"
    with pytest.raises(
        DoseError, match=r"'weak' is not a dose: give SITE=ANGLE, such as A=0.2, or mild, medium, strong"
    ):
        read_doses("weak")
    with pytest.raises(DoseError, match=r"'effect=much' is not a dose: .* or nats as effect=0.05"):
        read_doses("effect=much")
    with pytest.raises(DoseError, match=r"a dose has one effect: give mild or 0.1"):
        read_doses("mild,effect=0.1")
    with pytest.raises(DoseError, match=r"the effect is -0.1 nats"):
        read_doses("effect=-0.1")


#
# what is known, and what is estimated
#


def test_what_was_measured_is_found_again_whatever_comes_on_top() -> None:
    effects = Effects()
    dosage = DRUGS.medium().dosage
    assert effects.known(dosage) is None
    effects.add([found(dosage, 0.05, 0.4, 0.049)])
    same = DRUGS(A=1, effect=0.05, seed=3, multiplier=2, course=[{"token": 0, "ratio": 0.5}], apart=2).dosage
    assert effects.known(same) == effects.known(dosage) != None  # noqa: E711
    angles = effects.resolve(same)
    assert (angles.thetas["A"], angles.multiplier, angles.seed, angles.effect) == (0.4, 2, 3, None)
    for other in (DRUGS.mild(), DRUGS.by_effect(0.05, "H"), DRUGS.medium(hold="text"), DRUGS.medium(noise="reference")):
        assert effects.known(other.dosage) is None
    effects.add([found(dosage, 0.05, 0.45, 0.05)])
    assert effects.find(dosage).angle == 0.45


def test_estimates_follow_the_square_of_the_angle() -> None:
    effects = Effects()
    for site, nats in zip(SITES, _core.effect_nats()):
        estimate = effects.find(DRUGS.by_effect(0.05, site).dosage)
        assert estimate.source == ESTIMATED
        assert nats * estimate.angle**2 == pytest.approx(0.05 - _core.effect_floor())
    both = effects.find(DRUGS.by_effect(0.05, ("H", "A")).dosage).angle
    by_site = dict(zip(SITES, _core.effect_nats()))
    assert (by_site["H"] + by_site["A"]) * both**2 == pytest.approx(0.05 - _core.effect_floor())


def test_a_shape_that_leaves_a_third_of_the_layers_takes_a_larger_angle() -> None:
    shape = [{"depth": 0.66, "peakratio": 0}, {"depth": 0.67, "peakratio": 1}]
    late = Effects().find(DRUGS(A=1, effect=0.05, shape={"A": shape}).dosage).angle
    assert late == pytest.approx(math.sqrt(3) * Effects().find(DRUGS.medium().dosage).angle, rel=0.05)


def test_an_estimate_goes_by_another_effect_of_the_same_dose() -> None:
    effects = Effects()
    effects.add([found(DRUGS.medium().dosage, 0.05, 0.5, 0.052)])
    estimate = effects.find(DRUGS.strong().dosage)
    assert estimate.source == ESTIMATED
    assert estimate.angle == pytest.approx(0.5 * math.sqrt((0.2 - 0.002) / (0.052 - 0.002)))


def test_what_is_said_of_a_dose_has_its_angles() -> None:
    effects = Effects()
    effects.add([found(DRUGS.mild().dosage, 0.01, 0.14, 0.01)])
    said = effects.described(DRUGS.mild(seed=5).dosage)
    assert said == {"A": 0.14, "effect": "mild", "source": CALIBRATED, "noise": "isotropic", "seed": 5}
    assert effects.described(DRUGS(A=0.2).dosage) == DRUGS(A=0.2).to_dict()


def test_a_titration_is_read_as_it_was_written() -> None:
    titration = found(DRUGS.by_effect(0.1, "K", hold=8).dosage, 0.1, 0.3125, 0.099)
    assert titration_of(titration.to_dict(), CALIBRATED) == titration
    assert titration.drugs == DRUGS(K=0.3125, hold=8)
    assert "K=0.3125 ± 0.01 radians" in str(titration)
    assert dosage_from_dict(titration.to_dict()["dose"]) == titration.dosage
    assert np.isnan(Effects().find(DRUGS.mild().dosage).kl)


def test_the_page_has_the_table_that_is_shipped() -> None:
    root = Path(__file__).parents[1]
    printed = subprocess.run(
        [sys.executable, root / "scripts" / "known_effects.py"], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() in (root / "docs" / "effect.md").read_text(encoding="utf-8")
    assert "`SmolLM2-135M-Instruct.Q4_1.gguf`" in printed
