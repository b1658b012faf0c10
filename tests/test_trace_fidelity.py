"""Traces agree with benchmarks/fidelity's independent model: hidden states, logits, heads, attention, the lens.

The weights are 32-bit floats, and so are keys and values in the cache. Here, the model computes in numpy; in
`make fidelity`, it computes in PyTorch, from the same source.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fidelity.architectures import open_model
from benchmarks.fidelity.arrays import NumpyArrays
from benchmarks.fidelity.dequantized import FLOAT32, write_dequantized
from benchmarks.fidelity.hidden import Compared, EngineInside, Inside, inside_model, largest_errors, relative_errors
from benchmarks.fidelity.hidden_page import BOUND, hidden_section
from benchmarks.fidelity.tiny_models import N_EMBD, N_HEAD, N_LAYER, N_VOCAB, TINY_MODELS, TOKENS

Sides = tuple[Inside, Inside]


def both_sides(path: Path, text: str | list[int]) -> Sides:
    """Results of the engine and of the independent model."""
    engine = EngineInside(path)
    tokens = engine.tokens(text) if isinstance(text, str) else text
    found = engine.inside(tokens)
    engine.close()
    return found, inside_model(open_model(path, NumpyArrays()), NumpyArrays(), tokens)


@pytest.fixture(scope="module")
def real(model_path: str, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    path = tmp_path_factory.mktemp("models") / "floats.gguf"
    write_dequantized(Path(model_path), path, FLOAT32)
    sides = both_sides(path, "The sea was calm that night")
    path.unlink()
    return sides


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sides]:
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for architecture, write in TINY_MODELS.items():
        write(folder / architecture)
        found[architecture] = both_sides(folder / architecture, TOKENS)
    return found


@pytest.fixture(params=["llama", *TINY_MODELS])
def sides(request: pytest.FixtureRequest, real: Sides, tiny: dict[str, Sides]) -> Sides:
    return {"llama": real, **tiny}[request.param]


@pytest.mark.parametrize("part", Inside._fields)
def test_a_trace_is_what_the_independent_model_computes(part: str, sides: Sides) -> None:
    found, wanted = (getattr(side, part) for side in sides)
    assert found.shape == wanted.shape
    assert relative_errors(found, wanted).max() < BOUND


def test_shapes(tiny: dict[str, Sides]) -> None:
    n = len(TOKENS)
    for found, _ in tiny.values():
        assert found.hidden.shape == (n, N_LAYER + 1, N_EMBD)
        assert found.norm.shape == (n, N_EMBD)
        assert found.logits.shape == (n, N_VOCAB)
        assert found.heads.shape == (n, N_LAYER, N_HEAD, N_EMBD // N_HEAD)
        assert found.attention.shape == (n, N_LAYER, N_HEAD, n)
        assert found.lens.shape == (n, N_LAYER + 1, N_VOCAB)


def shifted(axis: int) -> Callable[[Inside], Inside]:
    return lambda side: side._replace(
        **{
            part: np.roll(getattr(side, part), 1, axis)
            for part in Inside._fields
            if getattr(side, part).ndim > axis + 1  # the last axis is within a vector
        }
    )


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["position", "layer", "head"])
def test_what_belongs_to_another_place_is_far_outside_the_bound(axis: int, sides: Sides) -> None:
    found, wanted = sides
    errors = largest_errors(shifted(axis)(found), wanted)
    moved = [part for part in Inside._fields if getattr(found, part).ndim > axis + 1]
    assert moved
    assert all(errors[part] > 100 * BOUND for part in moved)


#
# page
#


def test_errors_are_relative_to_the_wanted_vector() -> None:
    wanted = np.array([[3, 4], [0, 2]], np.float32)
    found = np.array([[3, 5], [0, 3]], np.float32)
    assert relative_errors(found, wanted).tolist() == [0.2, 0.5]


def test_the_page_names_what_is_outside_the_bound() -> None:
    lines = [
        Compared(model, "llama", 8, cache, dict.fromkeys(Inside._fields, error))
        for model, cache, error in [("good", "32 bits", 1e-6), ("good", "16 bits", 0.02), ("bad", "32 bits", 0.01)]
    ]
    text = hidden_section(lines, "a processor", "the command")
    assert "the largest error of all is 1.0e-02; the bound is 0.001. Above it: bad." in text
    assert text.count("2.0e-02") == len(Inside._fields)
    assert "Above it" not in hidden_section(lines[:2], "a processor", "the command")
