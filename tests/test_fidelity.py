"""What benchmarks/fidelity relies on: its statistics, its page, and that its independent model agrees with the engine.

Here, the model computes in numpy; in `make fidelity`, it computes in PyTorch, from the same source.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fidelity.arrays import NumpyArrays
from benchmarks.fidelity.divergence import agree, changed, kl, standard_error
from benchmarks.fidelity.engine_side import EngineSide
from benchmarks.fidelity.measure import measure
from benchmarks.fidelity.model_side import ModelSide
from benchmarks.fidelity.page import HALF, SHIPPED, TORCH, disagreements, page
from benchmarks.fidelity.protocol import F32, N_STEPS, NOISES, PROMPTS, SINK, Cell, Dose, Shift, Side, Text
from benchmarks.fidelity.rotation import FreshNumbers, Noise, Place, turn
from drugs_cpp import SITES

TEXT = Text(prompt=tuple(range(20, 32)), fed=tuple(range(40, 48)))


@pytest.fixture(scope="module")
def tiny_engine(tiny_model_path: str) -> Iterator[EngineSide]:
    engine = EngineSide(Path(tiny_model_path))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def engine(model_path: str) -> Iterator[EngineSide]:
    engine = EngineSide(Path(model_path))
    yield engine
    engine.close()


@pytest.fixture
def arrays() -> NumpyArrays:
    return NumpyArrays()


@pytest.fixture(scope="module")
def tiny_model(tiny_model_path: str) -> ModelSide:
    return ModelSide(Path(tiny_model_path), NumpyArrays())


#
# statistics
#


def test_kl() -> None:
    one, other = np.log(np.array([[0.5, 0.5], [0.9, 0.1]], np.float32))
    assert kl(one, one) == 0
    assert kl(one, other) == pytest.approx(0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1), rel=1e-6)
    assert kl(one + 1000, other - 1000) == pytest.approx(kl(one, other), rel=1e-3)


def test_changed() -> None:
    sober = np.array([[0, 1, 2], [5, 1, 2]], np.float32)
    assert changed(sober, sober[::-1]).tolist() == [True, True]
    assert changed(sober, 3 * sober + 1).tolist() == [False, False]


def test_agree() -> None:
    rng = np.random.default_rng(1)
    one, other = 1 + 0.1 * rng.standard_normal((2, 400))
    assert agree(one, other)
    assert agree(one, 1.05 * other)  # within the tolerance
    assert not agree(one, 1.2 * other)
    assert agree(one[:3], 1.2 * one[:3] + [1, -1, 0])  # within the standard errors


def test_what_differs_between_prompts_only_is_no_uncertainty() -> None:
    prompts = np.repeat([1.0, 10.0], 20)
    noise = 0.01 * np.random.default_rng(1).standard_normal((2, 40))
    assert standard_error(prompts) > 0.1 * prompts.mean()
    assert not agree(prompts + noise[0], 1.15 * prompts + noise[1])


#
# page
#


class Scaled:
    """A side that finds a KL of this many times the squared angle."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def sober(self, text: Text) -> F32:
        return np.zeros((len(text.fed), 3), np.float32)

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        noise = np.random.default_rng(len(text.prompt)).uniform(0.99, 1.01, (len(dose.angles), len(seeds)))
        squares = np.square(dose.angles)[:, np.newaxis]
        return Shift(self._factor * noise * squares, 0.5 * np.ones_like(noise))


def test_measure_and_page() -> None:
    sides: dict[str, Side] = {TORCH: Scaled(1), HALF: Scaled(1.3), SHIPPED: Scaled(1.05)}
    doses = [Dose(site, "isotropic", (0.1, 0.5)) for site in ("A", "K")]
    found = measure(sides, [TEXT, TEXT], doses, range(3), n_threads=2)
    assert list(found[TORCH]) == [Cell(dose.site, "isotropic", angle) for dose in doses for angle in (0.1, 0.5)]
    assert found[TORCH][Cell("K", "isotropic", 0.5)].kl.shape == (6,)
    assert disagreements(found) == list(found[TORCH])

    found[HALF][Cell("K", "isotropic", 0.1)] = found[TORCH][Cell("K", "isotropic", 0.1)]
    repeated = [Cell("A", "isotropic", 0.1)]
    text = page(found, repeated, {HALF: (0, 0), SHIPPED: (0, 0.0001)}, 2, "the command")
    outside = "`A` isotropic at 0.1, `A` isotropic at 0.5, `K` isotropic at 0.5"
    assert f"agree in 1 of 4 lines, but not for {outside}." in text
    assert "agree in 4, " in text  # a factor of 1.05 is within the tolerance
    lines = [line.split("|")[1:8] for line in text.splitlines() if line.startswith(("| `A`", "| `K`"))]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert [line[5] for line in cells] == ["no*", "no", "yes", "no"]
    assert [float(line[3].split()[0]) for line in cells] == pytest.approx([0.01, 0.25, 0.01, 0.25], rel=0.02)


#
# engine
#


def test_the_fed_tokens_are_the_sober_choices(engine: EngineSide) -> None:
    text = engine.text(PROMPTS[0])
    assert len(text.prompt) > SINK
    assert len(text.fed) == N_STEPS
    assert tuple(engine.sober(text).argmax(axis=-1)[:-1]) == text.fed[1:]


def test_a_run_leaves_nothing_behind(tiny_engine: EngineSide) -> None:
    other = Text(TEXT.prompt[::-1], TEXT.fed)
    first = tiny_engine.shift(TEXT, Dose("pV", "isotropic", (0.0, 0.5)), range(2))
    tiny_engine.shift(other, Dose("H", "isotropic", (0.5,)), range(2))
    again = tiny_engine.shift(TEXT, Dose("pV", "isotropic", (0.0, 0.5)), range(2))
    assert not first.kl[0].any()
    assert first.kl[1].all()
    np.testing.assert_array_equal(first.kl, again.kl)


#
# model
#


def test_the_rotation_turns_by_its_angle(arrays: NumpyArrays) -> None:
    x, g = np.random.default_rng(1).standard_normal((2, 1000, 64))
    theta = np.linspace(0, 3, 1000)[:, None]
    y = turn(arrays, x, theta, g)
    lengths = np.linalg.norm(x, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), lengths, rtol=1e-7)
    np.testing.assert_allclose((x * y).sum(-1), lengths**2 * np.cos(theta[:, 0]), rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(y[0], x[0])
    side = y - np.cos(theta) * x
    assert ((side * g).sum(-1)[1:] > 0).all()


def fresh(arrays: NumpyArrays, site: str, noise: str, angles: list[float]) -> Noise:
    dose = Dose(site, noise, tuple(angles))
    return Noise(dose, angles, 0, FreshNumbers(noise, dose.settings, arrays), arrays)


@pytest.mark.parametrize("noise", NOISES)
def test_rows_have_their_own_angles_and_the_sink_has_none(noise: str, arrays: NumpyArrays) -> None:
    turns = fresh(arrays, "K", noise, [0.0, 0.3])
    x = np.random.default_rng(2).standard_normal((2, 3, 20, 64), dtype=np.float32)  # rows, heads, positions
    y = turns(Place("K", 0, 19), x)
    cosines = (x * y).sum(-1) / np.square(x).sum(-1)
    np.testing.assert_array_equal(y[0], x[0])
    np.testing.assert_array_equal(y[1, :, :SINK], x[1, :, :SINK])
    assert (cosines[1, :, SINK:] < 1).all()
    assert (cosines[1] > 0.999 * np.cos(0.3)).all()
    assert turns(Place("V", 0, 19), x) is x
    assert turns(Place("K", 0, SINK - 1), x) is x


def test_only_the_reference_noise_leans(arrays: NumpyArrays) -> None:
    x = np.random.default_rng(2).standard_normal((1, 500, 64), dtype=np.float32)
    for noise, leans in (("isotropic", False), ("reference", True)):
        moved = fresh(arrays, "A", noise, [1.0])(Place("A", 0, 10), x) - x
        assert (moved.mean() > 0.01) == leans


def test_sober_logits_are_the_engines(tiny_model: ModelSide, tiny_engine: EngineSide) -> None:
    assert kl(tiny_model.sober(TEXT), tiny_engine.sober(TEXT)).max() < 1e-5


def test_sober_logits_of_the_real_model_are_the_engines(model_path: str, engine: EngineSide) -> None:
    model = ModelSide(Path(model_path), NumpyArrays())
    text = engine.text(PROMPTS[1])
    text = text._replace(fed=text.fed[:16])
    assert kl(model.sober(text), engine.sober(text)).mean() < 0.01
    assert changed(model.sober(text), engine.sober(text)).mean() < 0.2


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("site", SITES)
def test_doses_do_what_they_do_in_the_engine(
    site: str, noise: str, tiny_model: ModelSide, tiny_engine: EngineSide
) -> None:
    dose = Dose(site, noise, (0.5,))
    expected, found = (side.shift(TEXT, dose, range(400)).kl for side in (tiny_model, tiny_engine))
    limit = max(0.1 * expected.mean(), 4 * standard_error(found - expected))
    assert abs(found.mean() - expected.mean()) < limit
