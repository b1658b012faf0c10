"""Kinds of noise, holds, courses and site M: benchmarks/fidelity's independent model agrees with the engine.

If a row is turned, the model draws the engine's own random numbers, so that the logits of both can be compared. K and V
are compared by how far noise changes the probabilities, as in test_fidelity.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from scipy import linalg

from benchmarks.fidelity.architectures import open_model
from benchmarks.fidelity.arrays import NumpyArrays
from benchmarks.fidelity.divergence import kl, standard_error
from benchmarks.fidelity.engine_side import EngineSide
from benchmarks.fidelity.kinds_page import ANGLE, KINDS_OF_CACHED, KINDS_OF_ROWS, Compared, section
from benchmarks.fidelity.kinds_page import ROWS as SITES_OF_ROWS
from benchmarks.fidelity.model_side import ModelSide
from benchmarks.fidelity.page import HALF, TORCH
from benchmarks.fidelity.protocol import NOISES, Cell, Dose, Settings, Shift, Text
from benchmarks.fidelity.rotation import FreshNumbers, Place
from benchmarks.fidelity.seeded import SeededNumbers
from benchmarks.fidelity.tiny_experts import N_CHOSEN, N_EXPERT, write_tiny_experts
from drugs_cpp import SITES
from support import philox

pytestmark = pytest.mark.filterwarnings("ignore::drugs_cpp.DoseWarning")

TEXT = Text(prompt=tuple(range(20, 32)), fed=tuple(range(40, 48)))
SEEDS = range(7, 9)

#: KL between the engine's probabilities and the model's, in nats: the bound for sober ones
ROUNDING = 1e-5

ROWS = tuple(site for site in SITES if site not in ("K", "V"))
ANGLES = ("uniform", "half-normal", "fixed")

KINDS = [Settings(angle=angle, turn=turn) for angle in ANGLES for turn in ("rotation", "addition", "nlerp")]

#: half of all tokens are sober, and some get more than the dose
UP_AND_DOWN = ((1, 0.0), (3, 1.5), (6, 0.2))


@pytest.fixture(scope="module")
def experts_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "experts.gguf"
    write_tiny_experts(path)
    return path


class Sides:
    """The independent model and the engine, with one model file."""

    def __init__(self, path: Path, cache_type: int = llama_cpp.GGML_TYPE_F16) -> None:
        self.model = ModelSide(path, NumpyArrays())
        self.engine = EngineSide(path, cache_type)

    def check_logits(self, site: str, noise: str, settings: Settings, theta: float = 0.6) -> None:
        """The same seeds give the same logits, which differ from the sober ones."""
        dose = Dose(site, noise, (theta,), settings)
        wanted, found = (side.dosed(TEXT, dose, SEEDS) for side in (self.model, self.engine))
        assert kl(self.model.sober(TEXT), wanted).mean() > 100 * ROUNDING, settings
        assert kl(wanted, found).max() < ROUNDING, settings

    def check_distribution(self, site: str, noise: str, settings: Settings, theta: float, n_seeds: int) -> None:
        dose = Dose(site, noise, (theta,), settings)
        expected, found = (side.shift(TEXT, dose, range(n_seeds)).kl for side in (self.model, self.engine))
        limit = max(0.1 * expected.mean(), 4 * standard_error(found - expected))
        assert abs(found.mean() - expected.mean()) < limit, settings


@pytest.fixture(scope="module")
def llama(tiny_model_path: str) -> Iterator[Sides]:
    sides = Sides(Path(tiny_model_path))
    yield sides
    sides.engine.close()


@pytest.fixture(scope="module")
def experts(experts_path: Path) -> Iterator[Sides]:
    sides = Sides(experts_path, llama_cpp.GGML_TYPE_F32)  # so that rounding does not select another expert
    yield sides
    sides.engine.close()


#
# numbers
#


@pytest.mark.parametrize("d", [2, 12, 64, 96, 200])
def test_numbers_are_those_of_the_description(d: int) -> None:
    numbers = SeededNumbers([5, 2**32 - 2], "isotropic", Settings(), NumpyArrays())
    share, g = numbers.draw(Place("A", 4, 9, first_head=1), (2, 3, d))
    for (row, seed), head in itertools.product(enumerate((5, 2**32 - 2)), range(3)):
        place = (seed, 9, 4, SITES.index("A"), head + 1)
        np.testing.assert_allclose(g[row, head], philox.numbers(d, *place), rtol=1e-6)
        np.testing.assert_allclose(share[row, head], philox.share(*place), rtol=1e-6)


@pytest.mark.parametrize("d", [8, 12, 15])
def test_directions_of_a_seed_are_orthogonal(d: int) -> None:
    g = np.array(
        [
            SeededNumbers([5], "isotropic", Settings(apart=n), NumpyArrays()).draw(Place("A", 4, 9), (1, d))[1][0]
            for n in range(1, 2 * d + 1)
        ]
    )
    for block in (g[:d], g[d:]):
        np.testing.assert_allclose(block @ block.T, d * np.eye(d), atol=1e-5 * d)
    assert (np.sign(g[0]) != np.sign(g[d])).any()
    if d == 8:
        np.testing.assert_allclose(g[0] * g[:d], linalg.hadamard(d), rtol=1e-6)


def test_fresh_numbers_stay_for_as_long_as_they_are_held() -> None:
    numbers = FreshNumbers("isotropic", Settings(hold=4), NumpyArrays())
    first, second, third = (numbers.draw(Place("K", 0, 3), (2, 5, n, 8)) for n in (6, 7, 7))
    np.testing.assert_array_equal(second[1][..., :6, :], first[1])
    np.testing.assert_array_equal(second[0][..., :6, :], first[0])
    np.testing.assert_array_equal(third[1], second[1])
    assert (numbers.draw(Place("K", 1, 3), (2, 5, 7, 8))[1] != third[1]).all()
    assert (numbers.draw(Place("K", 0, 4), (2, 5, 7, 8))[1] != third[1]).all()


#
# rows
#


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("site", ROWS)
def test_rows_of_each_kind_give_the_engines_logits(site: str, noise: str, llama: Sides) -> None:
    for settings in KINDS:
        llama.check_logits(site, noise, settings)


@pytest.mark.parametrize("site", ROWS)
def test_elementwise_noise_gives_the_engines_logits(site: str, llama: Sides) -> None:
    llama.check_logits(site, "isotropic", Settings(turn="elementwise"))


@pytest.mark.parametrize("site", ROWS)
def test_directions_that_keep_apart_give_the_engines_logits(site: str, llama: Sides) -> None:
    for n, angle, turn in ((1, "uniform", "rotation"), (12, "fixed", "nlerp"), (150, "half-normal", "addition")):
        llama.check_logits(site, "isotropic", Settings(angle, turn, apart=n))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("site", ROWS)
def test_rows_that_hold_give_the_engines_logits(site: str, noise: str, llama: Sides) -> None:
    for settings in (
        Settings(hold=3),
        Settings(hold="text"),
        Settings(layers="shared"),
        Settings(course=UP_AND_DOWN),
        Settings("fixed", "nlerp", hold=5, layers="shared", course=UP_AND_DOWN),
    ):
        llama.check_logits(site, noise, settings)


#
# experts
#


def test_a_token_gets_few_of_the_experts(experts_path: Path) -> None:
    model = open_model(experts_path, NumpyArrays())
    probabilities = np.random.default_rng(1).uniform(size=(5, N_EXPERT))
    chosen = model._choose(probabilities)  # type: ignore[attr-defined]
    assert N_CHOSEN < N_EXPERT
    assert ((chosen > 0).sum(-1) == N_CHOSEN).all()
    assert (chosen.max(-1) == probabilities.max(-1)).all()


def test_sober_logits_of_experts_are_the_engines(experts: Sides) -> None:
    assert kl(experts.model.sober(TEXT), experts.engine.sober(TEXT)).max() < ROUNDING


@pytest.mark.parametrize("noise", NOISES)
def test_experts_of_each_kind_give_the_engines_logits(noise: str, experts: Sides) -> None:
    for settings in (
        *KINDS,
        Settings(hold=3),
        Settings(hold="text"),
        Settings(layers="shared"),
        Settings(course=UP_AND_DOWN),
        Settings("fixed", "nlerp", hold=5, layers="shared", course=UP_AND_DOWN),
    ):
        experts.check_logits("M", noise, settings)


def test_elementwise_experts_and_those_apart_give_the_engines_logits(experts: Sides) -> None:
    for settings in (Settings(turn="elementwise"), Settings(apart=3), Settings("fixed", "nlerp", apart=45)):
        experts.check_logits("M", "isotropic", settings)


@pytest.mark.parametrize("noise", NOISES)
def test_doses_of_experts_do_what_they_do_in_the_engine(noise: str, experts: Sides) -> None:
    experts.check_distribution("M", noise, Settings(), 0.6, 200)


#
# keys and values
#


@pytest.mark.parametrize(
    ("noise", "settings"),
    [
        ("isotropic", Settings("fixed", "addition")),
        ("isotropic", Settings("fixed", "nlerp")),
        ("reference", Settings("fixed")),
        ("isotropic", Settings(hold=3, course=UP_AND_DOWN)),
        ("reference", Settings(hold="text", layers="shared")),
    ],
    ids=str,
)
@pytest.mark.parametrize("site", ["K", "V"])
def test_keys_and_values_of_kinds_do_what_they_do_in_the_engine(
    site: str, noise: str, settings: Settings, llama: Sides
) -> None:
    llama.check_distribution(site, noise, settings, 1.4, 200)


@pytest.mark.parametrize("site", ["K", "V"])
def test_keys_and_values_turned_by_half_normal_angles(site: str, llama: Sides) -> None:
    """With small angles, the effect is only a sixth larger than with uniform ones, so it takes more seeds to see it."""
    llama.check_distribution(site, "isotropic", Settings("half-normal"), 0.5, 800)


#
# page
#


def test_the_page_shows_what_was_found() -> None:
    assert set(SITES_OF_ROWS) == set(ROWS)
    rows = {(site, *kind): Compared(1e-6, 0.5) for site in ROWS for kind in KINDS_OF_ROWS}
    rows["pK", "isotropic", Settings(hold=3)] = Compared(4.4e-6, 0.25)
    experts = {("M", *kind): Compared(2e-7, 0.125) for kind in KINDS_OF_ROWS}
    cells = [Cell(site, noise, ANGLE, settings) for site in "KV" for noise, settings in KINDS_OF_CACHED]
    kls = np.linspace(0.99, 1.01, 6)
    found = {side: {cell: Shift(kls, kls) for cell in cells} for side in (TORCH, HALF)}
    found[HALF][cells[0]] = Shift(2 * kls, kls)
    text = section(rows, experts, 3e-6, found, "two of three", "the processor", "the command")
    assert "The largest number of all is 4.4e-06." in text
    assert "of 1.2e-01 to 5.0e-01." in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert ["isotropic", "uniform", "rotation", "hold 3", *["1e-06"] * 3, "4e-06", *["1e-06"] * 2, "2e-07"] in lines
    assert [line[-1] for line in lines if line[0] in ("`K`", "`V`")] == ["no", *["yes"] * (len(cells) - 1)]
    assert f"Both sides agree in {len(cells) - 1} of {len(cells)} lines." in text
