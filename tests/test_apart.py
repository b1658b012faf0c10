"""Directions that keep apart: orthogonal to each other at every place, and a pure function of seed and number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from drugs_cpp import DRUGS, DoseError, Llama, OptionError, _core

F64 = npt.NDArray[np.float64]

POSITIONS = np.arange(5) + 10


def directions(d: int, numbers: list[int], seed: int = 7, n_head: int = 2) -> F64:
    """What runs with these numbers draw at some places, for their own vectors: length 1, (n_runs, n_places, d)."""
    found = []
    for number in numbers:
        x = np.random.default_rng(number).standard_normal((len(POSITIONS), n_head, d)).astype(np.float32)
        y = _core.rotate(x, 3.0, seed, POSITIONS, 3, "A", angle="fixed", turn="addition", apart=number)
        added = (y.astype(np.float64) - x).reshape(-1, d)
        found.append(added / np.linalg.norm(added, axis=1, keepdims=True))
    return np.asarray(found)


@pytest.mark.parametrize("d", [2, 3, 5, 12, 16, 48, 64, 65, 80])
def test_as_many_as_a_row_has_numbers_are_orthogonal(d: int) -> None:
    for start in (1, d + 1):  # the same for a second set
        g = directions(d, list(range(start, start + d)))
        gram = np.einsum("apd,bpd->pab", g, g)
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(d), gram.shape), atol=1e-6)


@pytest.mark.parametrize("d", [128, 576, 1536, 4096, 18944])
def test_long_rows(d: int) -> None:
    numbers = [1, 2, 3, 4, 17, 64, 65, 66, 100, d // 2, d - 1, d]
    g = directions(d, sorted(set(numbers)), n_head=1)
    gram = np.einsum("apd,bpd->pab", g, g)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(len(g)), gram.shape), atol=1e-6)


def test_the_first_ones_are_signs_alone() -> None:
    g = directions(576, [1, 2, 64])
    np.testing.assert_allclose(np.abs(g), 1 / 24, rtol=1e-4)


def test_blocks_differ() -> None:
    one, later = directions(16, [1]), directions(16, [17])
    assert np.abs((one * later).sum(-1)).max() < 1 - 1e-3


@pytest.mark.parametrize("d", [12, 48])
def test_directions_of_many_seeds_have_no_preference(d: int) -> None:
    """Each number has mean 0, and no two are correlated; over all directions, each has the same variance."""
    g = np.concatenate([directions(d, [number], seed) for seed in range(60) for number in range(1, d + 1)], axis=1)[0]
    assert np.abs(g.mean(0)).max() < 5 / np.sqrt(len(g) * d)
    np.testing.assert_allclose(np.cov(g.T) * d, np.eye(d), atol=5 / np.sqrt(len(g)) + 0.02)


def test_angles_are_drawn_afresh_for_each() -> None:
    x = np.random.default_rng(0).standard_normal((4000, 1, 64)).astype(np.float32)
    shares = []
    for number in (1, 2):
        y = _core.rotate(x, 0.7, 7, np.arange(4000), 3, "A", turn="addition", apart=number)
        shares.append(np.linalg.norm(y - x, axis=-1).ravel() / np.linalg.norm(x, axis=-1).ravel())
        assert stats.kstest(shares[-1], "uniform", args=(0, 0.7)).pvalue > 1e-3
    assert stats.spearmanr(*shares).pvalue > 1e-3


@pytest.mark.parametrize("turn", ["rotation", "nlerp"])
def test_rows_keep_their_length(turn: str) -> None:
    x = np.random.default_rng(0).standard_normal((50, 2, 96)).astype(np.float32)
    y = _core.rotate(x, 0.7, 7, np.arange(50), 3, "A", turn=turn, apart=40)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-5)


#
# variations
#


def texts(answer: Any) -> list[str]:
    return [choice["text"] for choice in answer["choices"]]


def test_a_variation_is_repeated_by_its_drugs(tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False)
    answer: Any = llm.variations(
        "Once upon a time", n=4, apart=True, drugs=DRUGS(A=0.9, hold="text"), seeds=5, max_tokens=20
    )
    assert [choice["drugs"]["apart"] for choice in answer["choices"]] == [1, 2, 3, 4]
    assert {choice["seed"] for choice in answer["choices"]} == {5}
    assert len(set(texts(answer))) == 4
    for choice in answer["choices"]:
        llm.drugs = DRUGS(choice["drugs"])
        alone: Any = llm.create_completion("Once upon a time", max_tokens=20)
        assert alone["choices"][0]["text"] == choice["text"]
    assert (
        texts(
            llm.variations("Once upon a time", n=2, apart=True, drugs=DRUGS(A=0.9, hold="text"), seeds=5, max_tokens=20)
        )
        == texts(answer)[:2]
    )
    llm.close()


def test_the_seeds_of_the_doses_are_taken(tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, n_ctx=256, n_threads=1, verbose=False)
    first: Any = llm.variations("Once upon a time", drugs={"A": 0.9, "seed": 5}, n=3, max_tokens=12)
    assert [choice["seed"] for choice in first["choices"]] == [5, 6, 7]
    drugs = [choice["drugs"] for choice in reversed(first["choices"])]
    again: Any = llm.variations("Once upon a time", drugs=drugs, max_tokens=12)
    assert texts(again) == texts(first)[::-1]
    some: Any = llm.variations("Once upon a time", drugs=[{"A": 0.9}, {"A": 0.9, "seed": 8}], max_tokens=12)
    assert some["choices"][1]["seed"] == 8
    exact: Any = llm.variations("Once upon a time", drugs=drugs, seeds=[1, 2, 3], max_tokens=12)
    assert [choice["seed"] for choice in exact["choices"]] == [1, 2, 3]
    together: Any = llm.variations("Once upon a time", drugs={"A": 0.9, "seed": 5}, n=3, apart=True, max_tokens=12)
    assert {choice["seed"] for choice in together["choices"]} == {5}
    drugs = [choice["drugs"] for choice in together["choices"]]
    assert texts(llm.variations("Once upon a time", drugs=drugs, max_tokens=12)) == texts(together)
    llm.close()


@pytest.mark.parametrize("more", [{"seeds": [1, 2]}, {"drugs": [{"A": 0.1, "seed": 1}, {"A": 0.1, "seed": 2}]}])
def test_several_seeds_are_refused(tiny_model_path: str, more: dict[str, Any]) -> None:
    llm = Llama(tiny_model_path, n_ctx=256, verbose=False)
    with pytest.raises(OptionError, match="apart=True takes one seed"):
        llm.variations("Once", n=2, apart=True, **more)
    llm.close()


def test_apart_at_keys_is_refused(tiny_model_path: str) -> None:
    llm = Llama(tiny_model_path, drugs=DRUGS(K=0.3), n_ctx=256, verbose=False)
    with pytest.raises(DoseError, match="apart is not possible at K and V"):
        llm.variations("Once", n=2, apart=True)
    llm.close()
