from __future__ import annotations

import copy
import json
import math
import numbers
import pickle
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

from drugs_cpp import Llama
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.profile import DoseProfile
from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import DoseError, DoseWarning, DrugsError, SeedError

RAMP = ({"depth": 0.0, "peakratio": 0.0}, {"depth": 0.5, "peakratio": 1.0})

BAD_SIZES = [math.nan, math.inf, -math.inf, -0.1, "0.1", None, True, 1j, 10**400, [0.1]]


def column(drugs: DRUGS, site: str, n_layer: int = 4) -> list[float]:
    return [float(angle) for angle in drugs.table(n_layer)[:, SITES.index(site)]]


def full() -> DRUGS:
    drugs = DRUGS(H=0.1, Q=0.2, K=0.3, V=0.4, A=0.5, shape={"H": (RAMP, "ceil"), "pV": RAMP}, seed=7)
    drugs.multiplier = 0.5
    return drugs


#
# the table
#


def test_the_sites_and_their_order() -> None:
    assert SITES == ("H", "Q", "K", "V", "A", "pK", "pV", "M")


def test_a_table_computed_by_hand() -> None:
    drugs = DRUGS(H=0.1, Q=0.2, K=0.5, A=0.3, pK=0.4, pV=0.5, M=0.25)
    drugs.set_H_dose_shape(RAMP, "interpolate")
    drugs.set_Q_dose_shape(RAMP, "ceil")
    drugs.set_A_dose_shape(RAMP, "floor")
    drugs.set_dose_multiplier(2)
    expected = [
        [0.00, 0.0, 1.0, 0.0, 0.0, 0.8, 1.0, 0.5],
        [0.10, 0.4, 1.0, 0.0, 0.0, 0.8, 1.0, 0.5],
        [0.20, 0.4, 1.0, 0.0, 0.6, 0.8, 1.0, 0.5],
        [0.20, 0.4, 1.0, 0.0, 0.6, 0.8, 1.0, 0.5],
    ]
    table = drugs.table(4)
    assert table.dtype == np.float32
    assert table.shape == (4, len(SITES))
    np.testing.assert_allclose(table, expected, rtol=1e-6)


def test_a_table_is_kept_until_something_changes() -> None:
    drugs = DRUGS(A=0.1)
    table = drugs.table(3)
    assert drugs.table(3) is table
    assert drugs.table(4).shape == (4, len(SITES))
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1
    drugs.set_A_dose_theta(0.2)
    assert column(drugs, "A") == pytest.approx([0.2] * 4)


@pytest.mark.parametrize("n_layer", [0, -1, 1.5, "4", None, True])
def test_a_model_has_layers(n_layer: Any) -> None:
    with pytest.raises(DoseError, match="n_layer"):
        DRUGS().table(n_layer)


def test_numpy_numbers_are_numbers() -> None:
    drugs = DRUGS(A=np.float32(0.5))  # type: ignore[arg-type]
    assert drugs.table(np.int64(2)).shape == (2, len(SITES))  # type: ignore[arg-type]
    assert json.dumps(drugs.to_dict())


#
# setters
#


@pytest.mark.parametrize("site", SITES)
def test_each_site_has_its_own_dose_and_shape(site: str) -> None:
    by_keyword = DRUGS(**{site: 0.2}, shape={site: (RAMP, "ceil")})  # type: ignore[arg-type]
    by_own_setter = DRUGS()
    if site == "M":  # the reference has no such site
        by_own_setter.set_drug_profile(RAMP, "ceil", site, 0.2)
    else:
        getattr(by_own_setter, f"set_{site}_dose_theta")(0.2)
        getattr(by_own_setter, f"set_{site}_dose_shape")(RAMP, "ceil")
    by_general_setter = DRUGS()
    by_general_setter.set_dose_theta(0.2, site)
    by_general_setter.set_dose_shape(RAMP, "ceil", site=site)
    in_one_step = DRUGS()
    in_one_step.set_drug_profile(RAMP, "ceil", site, dose_theta=0.2)
    assert by_keyword == by_own_setter == by_general_setter == in_one_step
    for drugs in (by_keyword, by_own_setter):
        assert column(drugs, site) == pytest.approx([0.0, 0.2, 0.2, 0.2])
        assert drugs.get_dose_theta(site) == 0.2
        assert drugs.get_dose_shape(site) == DoseProfile(RAMP, "ceil")
        for other in set(SITES) - {site}:
            assert column(drugs, other) == [0.0] * 4
            assert drugs.get_dose_shape(other) is None


def test_a_shape_can_be_taken_back() -> None:
    drugs = DRUGS(A=0.1, shape={"A": RAMP})
    drugs.set_A_dose_shape(None)
    assert drugs == DRUGS(A=0.1)


def test_two_points_are_no_pair_with_a_mode() -> None:
    ramp = DRUGS(shape={"A": RAMP})
    assert ramp == DRUGS(shape={"A": list(RAMP)}) == DRUGS(shape={"A": (RAMP, "interpolate")})
    assert ramp == DRUGS(shape={"A": DoseProfile(RAMP)}) == DRUGS(shape={"A": DoseProfile(RAMP).to_dict()})


def test_the_angle_that_was_set_is_read_back_without_multiplier() -> None:
    assert full().get_dose_theta("A") == 0.5
    assert full().get_dose_multiplier() == full().multiplier == 0.5


def test_detox_keeps_multiplier_and_seed() -> None:
    drugs = full()
    drugs.detox()
    assert drugs == DRUGS(multiplier=0.5, seed=7)
    assert drugs.is_sober
    assert not drugs.table(6).any()


def test_what_is_sober() -> None:
    zero = [{"depth": 0.5, "peakratio": 0}]
    assert DRUGS().is_sober
    assert DRUGS(shape={"A": RAMP}).is_sober
    assert DRUGS(A=0.1, multiplier=0).is_sober
    assert DRUGS(A=0.1, shape={"A": zero}).is_sober
    assert not DRUGS(A=0.1, shape={"H": zero}).is_sober
    assert not full().is_sober


def test_seeds() -> None:
    drugs = DRUGS(seed=3)
    assert drugs.seed == 3
    drugs.set_seed(4)
    assert drugs.seed == 4
    drugs.seed = None
    assert drugs.seed is None
    drugs.set_seed(0xFFFFFFFF)
    assert drugs.seed is None


def test_every_change_raises_the_version() -> None:
    drugs = DRUGS()
    versions = [drugs.version]
    changes: list[Callable[[], None]] = [
        lambda: drugs.set_A_dose_theta(0.1),
        lambda: drugs.set_A_dose_shape(RAMP),
        lambda: drugs.set_drug_profile(RAMP, "ceil", "Q", 0.1),
        lambda: drugs.set_dose_multiplier(2),
        lambda: drugs.set_seed(1),
        lambda: drugs.assign(full()),
        drugs.detox,
    ]
    for change in changes:
        change()
        versions.append(drugs.version)
    assert versions == sorted(set(versions))
    drugs.table(4)
    assert drugs.version == versions[-1]


#
# errors: one exception that names the value, and nothing changes
#


@pytest.mark.parametrize("bad", BAD_SIZES)
def test_angles_that_are_none(bad: Any) -> None:
    drugs = full()
    with pytest.raises(DoseError) as caught:
        drugs.set_A_dose_theta(bad)
    assert repr(bad) in str(caught.value)
    assert " A " in str(caught.value)
    with pytest.raises(DoseError):
        DRUGS({"A": bad})
    assert drugs == full()
    assert drugs.version == full().version


@pytest.mark.parametrize("bad", BAD_SIZES)
def test_multipliers_that_are_none(bad: Any) -> None:
    drugs = full()
    with pytest.raises(DoseError, match="multiplier"):
        drugs.set_dose_multiplier(bad)
    assert drugs == full()


def test_half_a_turn_is_the_most_and_more_is_refused_when_it_is_set() -> None:
    drugs = DRUGS(A=0.5)
    calls: list[Callable[[], object]] = [
        lambda: drugs.set_A_dose_theta(math.nextafter(float(np.float32(math.pi)), 4)),
        lambda: drugs.set_A_dose_theta(1e9),
        lambda: setattr(drugs, "multiplier", 7),
        lambda: drugs.set_A_dose_shape([{"depth": 0, "peakratio": 6.3}]),
        lambda: drugs.assign({"A": 3.2}),
        lambda: DRUGS({"A": 1e9}),
        lambda: DRUGS(A=1e30, multiplier=1e30),
    ]
    for call in calls:
        with pytest.raises(DoseError, match=r"the dose at A reaches .*: pi, a half turn, is the most"):
            call()
    assert drugs == DRUGS(A=0.5)
    with pytest.warns(DoseWarning):
        drugs.set_A_dose_theta(math.pi)
    drugs.set_H_dose_theta(float(np.float32(math.pi)))
    assert drugs.table(3)[0, SITES.index("A")] == np.float32(math.pi)


def test_a_dose_above_one_radian_is_warned_of_once() -> None:
    drugs = DRUGS(A=1.0, multiplier=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drugs.multiplier = 1.5
        drugs.set_A_dose_theta(1.2)
        drugs.multiplier = 2
    assert [str(warning.message) for warning in caught] == ["a dose above 1 radian: most models write nonsense then"]
    assert caught[0].filename == __file__
    with pytest.warns(DoseWarning) as made:
        DRUGS(A=1.5)
    assert made[0].filename == __file__


def test_a_profile_has_a_thousand_points_at_most() -> None:
    point = {"depth": 0.5, "peakratio": 1.0}
    assert DRUGS(A=0.3, shape={"A": [point] * 1000}).table(3).any()
    for points in ([point] * 1001, (point for _ in iter(int, 1))):
        with pytest.raises(DoseError, match="a profile of more than 1000 points"):
            DRUGS(A=0.3, shape={"A": points})


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"A": ' + "[" * 900 + "]" * 900 + "}"])
def test_a_file_that_is_nested_too_deeply_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "doses.json"
    path.write_text(text)
    with pytest.raises(DoseError, match=r"doses\.json cannot be read as doses"):
        DRUGS.load(path)


def test_a_seed_of_minus_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "doses.json"
    path.write_text('{"A": 0.1, "seed": -1}')
    drugs = DRUGS(A=0.1, seed=-1)
    assert drugs == DRUGS.load(path) == DRUGS({"A": 0.1, "seed": -1}) == DRUGS(A=0.1)
    drugs.seed = 7
    drugs.set_seed(-1)
    assert drugs.seed is None


@pytest.mark.parametrize("site", ["B", "", "Kp", None, 2, ["A"]])
def test_unknown_sites(site: Any) -> None:
    drugs = full()
    for call in (
        lambda: drugs.set_dose_theta(0.1, site),
        lambda: drugs.set_dose_shape(RAMP, site=site),
        lambda: drugs.get_dose_theta(site),
        lambda: drugs.get_dose_shape(site),
        lambda: drugs.set_drug_profile(RAMP, "ceil", site, 0.1),
    ):
        with pytest.raises(DoseError, match="H, Q, K, V, A, pK, pV"):
            call()
    assert drugs == full()


@pytest.mark.parametrize(("site", "meant"), [("a", "A"), ("pk", "pK"), ("PV", "pV")])
def test_sites_in_the_wrong_case(site: str, meant: str) -> None:
    with pytest.raises(DoseError, match=f"did you mean '{meant}'"):
        DRUGS().set_dose_theta(0.1, site)
    with pytest.raises(DoseError, match=f"did you mean '{meant}'"):
        DRUGS.from_dict({site: 0.1})


def test_a_failed_step_changes_neither_profile_nor_dose() -> None:
    drugs = full()
    with pytest.raises(DoseError):
        drugs.set_drug_profile(RAMP, "ceil", "A", dose_theta=-1)
    with pytest.raises(DoseError, match="mode"):
        drugs.set_A_dose_shape(RAMP, "sideways")
    with pytest.raises(DoseError):
        drugs.set_A_dose_shape([])
    with pytest.raises(SeedError):
        drugs.set_seed(-2)
    assert drugs == full()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("a_dose", "A=0.1"),
        ("pK_dose", "pK=0.1"),
        ("a", "A=0.1"),
        ("h_shape", 'shape={"H": ...}'),
        ("dose_multiplier", "multiplier=0.1"),
        ("sead", "seed=0.1"),
    ],
)
def test_misspelt_arguments_are_named(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"{name!r}.*did you mean {re.escape(f'DRUGS({meant})')}"):
        DRUGS(**{name: 0.1})  # type: ignore[arg-type]


def test_unknown_arguments_get_the_list() -> None:
    settings = ("effect", "shape", "multiplier", "course", "hold", "layers", "noise", "angle", "turn", "apart", "seed")
    arguments = [*SITES, *settings]
    with pytest.raises(TypeError, match=rf"'temperature'.*{', '.join(arguments)}"):
        DRUGS(temperature=0.1)  # type: ignore[call-arg]


def test_doses_are_named() -> None:
    with pytest.raises(TypeError, match=r"DRUGS\(0\.3\): name the site, such as DRUGS\(A=0\.3\)"):
        DRUGS(0.3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional argument"):
        DRUGS({}, 0.3)  # type: ignore[call-arg]


def test_attributes_that_do_not_exist_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        DRUGS().dose = 0.1  # type: ignore[attr-defined]


#
# copies
#


@pytest.mark.parametrize("twin", [DRUGS.copy, copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_are_equal_and_apart(twin: Any) -> None:
    original = full()
    copied = twin(original)
    assert copied == original
    np.testing.assert_array_equal(copied.table(9), original.table(9))
    copied.set_A_dose_theta(1)
    assert original == full()
    assert copied != original


def test_assign_takes_everything() -> None:
    drugs = DRUGS(A=0.9)
    drugs.assign(full())
    assert drugs == full()


def test_equality() -> None:
    assert DRUGS(A=0.1) != DRUGS(A=0.2)
    assert DRUGS(A=0.1) != DRUGS(H=0.1)
    assert DRUGS(seed=1) != DRUGS(seed=2)
    assert DRUGS() != 0
    with pytest.raises(TypeError, match="unhashable"):
        hash(DRUGS())


def test_repr_makes_the_same_object() -> None:
    assert repr(DRUGS()) == "DRUGS()"
    assert repr(DRUGS(A=0.1, seed=7)) == "DRUGS(A=0.1, seed=7)"
    assert eval(repr(full())) == full()


def test_plain_values_survive_json(tmp_path: Path) -> None:
    assert DRUGS.from_dict(json.loads(json.dumps(full().to_dict()))) == full()
    file = tmp_path / "doses.json"
    full().save(file)
    assert DRUGS.load(file) == full()


def test_only_what_angle_and_shape_come_to_together_may_be_too_much(tmp_path: Path) -> None:
    """The programs read it in the same way."""
    drugs = DRUGS(A=10, shape={"A": [{"depth": 0, "peakratio": 0.1}]})
    drugs.set_drug_profile([{"depth": 0, "peakratio": 0.01}], None, "A", 100)
    drugs.save(tmp_path / "doses.json")
    assert drugs == DRUGS.load(tmp_path / "doses.json") == copy.deepcopy(drugs)
    assert drugs.table(1)[0, SITES.index("A")] == pytest.approx(1)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors write one, and the programs skip it."""
    file = tmp_path / "doses.json"
    file.write_text('{"A": 0.3}', encoding="utf-8-sig")
    assert DRUGS.load(file) == DRUGS(A=0.3)


def test_what_a_file_leaves_out_is_as_in_a_new_object() -> None:
    assert DRUGS.from_dict({}) == DRUGS()
    assert DRUGS.from_dict({"A": 0.1}) == DRUGS({"A": 0.1}) == DRUGS(A=0.1)


def test_files_of_the_first_format_load(tmp_path: Path) -> None:
    old = {
        "dose_theta": {"H": 0.1, "Q": 0.2, "K": 0.3, "V": 0.4, "A": 0.5, "pK": 0.0, "pV": 0.0},
        "dose_shape": {"H": {"points": RAMP, "mode": "ceil"}, "pV": {"points": RAMP, "mode": "interpolate"}},
        "dose_multiplier": 0.5,
        "noise": "isotropic",
        "seed": 7,
    }
    file = tmp_path / "doses.json"
    file.write_text(json.dumps(old))
    assert DRUGS.load(file) == full()


def test_keywords_come_on_top_of_a_mapping() -> None:
    assert DRUGS({"A": 0.1, "H": 0.2, "seed": 3}, A=0.3, seed=7) == DRUGS(A=0.3, H=0.2, seed=7)


def test_plain_values_say_what_is_set() -> None:
    assert DRUGS().to_dict() == {"noise": "isotropic", "seed": None}
    assert DRUGS(A=0.3, multiplier=2, seed=7).to_dict() == {"A": 0.3, "multiplier": 2, "noise": "isotropic", "seed": 7}


def test_what_an_answer_says_of_how_it_was_computed_is_not_kept() -> None:
    assert DRUGS({"A": 0.3, "seed": 7, "repeatable": True}).to_dict() == DRUGS(A=0.3, seed=7).to_dict()


@pytest.mark.parametrize("name", ["sink", "dose_inputs", "sober_interval"])
def test_what_belongs_to_a_model_is_told_from_doses(name: str) -> None:
    with pytest.raises(DoseError, match=rf"'{name}' does not belong to doses: give it to Llama\({name}="):
        DRUGS({"A": 0.1, name: 6})


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"a": 0.1},
        {"A": "0.1"},
        {"A": None},
        {"shape": {"B": []}},
        {"shape": {"A": {"points": [{"depth": 0, "peakratio": 1}], "way": 1}}},
        {"dose_theta": 0.1},
        {"dose_theta": {"B": 0.1}},
        {"dose_theta": {"A": -1}},
        {"dose_theta": {"A": "0.1"}},
        {"dose_shape": {"A": {"points": []}}},
        {"dose_shape": {"A": {"mode": "ceil"}}},
        {"dose_shape": {"A": {"points": [{"depth": 0, "peakratio": 1}], "mode": "up"}}},
        {"dose_multiplier": None},
        {"seed": -2},
    ],
)
def test_files_with_something_else(values: Any, tmp_path: Path) -> None:
    with pytest.raises(DrugsError):
        DRUGS.from_dict(values)
    file = tmp_path / "doses.json"
    file.write_text(json.dumps(values))
    with pytest.raises(DoseError, match=r"doses\.json"):
        DRUGS.load(file)


def test_files_that_are_no_json(tmp_path: Path) -> None:
    file = tmp_path / "doses.json"
    for content in (b"", b"not json", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(DoseError, match=r"doses\.json"):
            DRUGS.load(file)
    with pytest.raises(FileNotFoundError):
        DRUGS.load(tmp_path / "none.json")


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Makes threads switch so often that a missing lock shows."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_other_threads_see_whole_changes() -> None:
    """A profile and its dose are set in one step, so no reader may see one without the other."""
    drugs = DRUGS()
    full_ratio, half_ratio = [{"depth": 0, "peakratio": 1}], [{"depth": 0, "peakratio": 0.5}]
    drugs.set_drug_profile(full_ratio, "ceil", "A", 0.1)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            drugs.set_drug_profile(half_ratio, "ceil", "A", 0.2)
            drugs.set_drug_profile(full_ratio, "ceil", "A", 0.1)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        seen = {round(column(drugs, "A", 1)[0], 6) for _ in range(3000)}
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert seen == {0.1}


def test_no_change_from_another_thread_is_lost() -> None:
    drugs = DRUGS()
    in_the_middle, other_is_through = threading.Event(), threading.Event()

    class SlowAngle:
        """Gives another thread time to interrupt."""

        def __float__(self) -> float:
            in_the_middle.set()
            other_is_through.wait(0.2)
            return 0.1

    numbers.Real.register(SlowAngle)
    slow = threading.Thread(target=drugs.set_A_dose_theta, args=(SlowAngle(),))
    slow.start()
    in_the_middle.wait()
    drugs.set_H_dose_theta(0.2)
    other_is_through.set()
    slow.join()
    assert drugs == DRUGS(H=0.2, A=0.1)


#
# models
#


def test_inject_doses_a_plain_model(tiny_model_path: str) -> None:
    llm = llama_cpp.Llama(tiny_model_path, n_ctx=64, verbose=False)
    drugs = DRUGS(A=0.1)
    assert drugs.inject(llm) is llm
    assert isinstance(llm, Llama)
    assert llm.drugs is drugs
    llm.close()


def test_inject_takes_models_only() -> None:
    with pytest.raises(TypeError, match=r"llama_cpp\.Llama"):
        DRUGS().inject("model.gguf")
