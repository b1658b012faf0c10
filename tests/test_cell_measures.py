"""Measures of cells, against independent implementations."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from drugs_cpp.errors import MissingExtraError, OptionError
from drugs_cpp.study.cell_measures import MEASURES, cell_measures
from drugs_cpp.study.embeddings import Embedder
from drugs_cpp.study.measures import distinct, vendi
from drugs_cpp.study.self_bleu import self_bleu
from drugs_cpp.study.setting import Setting
from drugs_cpp.study.sweep_run import open_sweep
from support.sweeps import WORDS, add_cell, synthetic_store, text_row

TEXTS = (
    "The lamp was lit at nine and the boats came home one by one",
    "The lamp was lit at nine and nobody saw the boats that night",
    "Nobody saw the lamp that night",
)
SETTING = Setting("A", 0.5)


def brute_bleu(text: str, others: Sequence[str]) -> float:
    """BLEU up to 4-grams of one text of single words, Papineni et al. 2002; n-grams that are in no reference count as
    halves, quarters and so on of one (Chen and Cherry 2014, method 3)."""
    words, references = text.split(), [other.split() for other in others]
    log_precision, half = 0.0, 1.0
    orders = range(1, min(4, len(words)) + 1)
    for n in orders:
        matched, left = 0, {}
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        for gram in set(grams):
            counts = [[tuple(r[i : i + n]) for i in range(len(r) - n + 1)].count(gram) for r in references]
            left[gram] = max(counts)
        for gram in grams:
            if left[gram]:
                left[gram] -= 1
                matched += 1
        if not matched:
            half /= 2
        log_precision += math.log((matched or half) / len(grams))
    nearest = min((abs(len(r) - len(words)), len(r)) for r in references)[1]
    penalty = min(1.0, math.exp(1 - nearest / len(words)))
    return penalty * math.exp(log_precision / len(orders))


def test_self_bleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    bleu = sacrebleu.BLEU(effective_order=True)
    expected = np.mean([brute_bleu(text, [o for o in TEXTS if o != text]) for text in TEXTS])
    assert self_bleu(TEXTS, bleu) == pytest.approx(expected, rel=1e-9)
    assert 0.1 < expected < 0.9
    assert self_bleu([TEXTS[0]] * 3, bleu) == pytest.approx(1)
    assert self_bleu(TEXTS[:1], bleu) is None
    assert self_bleu(["", ""], bleu) == 0


@pytest.mark.parametrize("seed", range(20))
def test_self_bleu_is_that_of_sacrebleu(seed: int) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    bleu, draw = sacrebleu.BLEU(effective_order=True), random.Random(seed)
    texts = [" ".join(draw.choice(WORDS) for _ in range(draw.randrange(30))) + draw.choice("\n. ") for _ in range(5)]
    expected = [sacrebleu.sentence_bleu(text, [*texts[:i], *texts[i + 1 :]]).score for i, text in enumerate(texts)]
    assert self_bleu(texts, bleu) == pytest.approx(np.mean(expected) / 100, rel=1e-12)


def test_distinct() -> None:
    assert distinct(["A b a", "b, c"], 1) == pytest.approx(4 / 6)  # a b a b , c
    assert distinct(["a b a b", "a b"], 2) == pytest.approx(2 / 4)  # ab ba ab; ab
    assert distinct(["a", ""], 2) is None


def brute_vendi(vectors: npt.NDArray[np.float64]) -> float:
    n = len(vectors)
    kernel = [[float(a @ b / math.sqrt((a @ a) * (b @ b))) / n for b in vectors] for a in vectors]
    shares = [abs(value) for value in np.linalg.eigvals(np.array(kernel))]
    return math.exp(-sum(share * math.log(share) for share in shares if share > 1e-14))


def test_vendi() -> None:
    vectors = np.random.default_rng(3).normal(size=(5, 12))
    assert vendi(vectors) == pytest.approx(brute_vendi(vectors), rel=1e-9)
    assert vendi(np.eye(4)) == pytest.approx(4)
    assert vendi(np.ones((4, 3)) * [[1], [2], [3], [4]]) == pytest.approx(1)
    assert vendi(np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])) == pytest.approx(2)
    assert vendi(np.array([[1.0, 0], [0, 0]])) is None


def test_means_are_of_what_is_known(tmp_path: Path) -> None:
    rows = [text_row(text, seed, parted=[None, 0, 8][seed]) for seed, text in enumerate(TEXTS)]
    rows[2] = replace(rows[2], log_likelihood=None, compressibility=None)
    with open_sweep(tmp_path / "x.db") as results:
        cell = add_cell(results, SETTING, rows)
        measured = cell_measures(results, [cell])[cell]
    assert tuple(measured) == MEASURES
    assert measured["n_texts"] == 3
    assert measured["log_likelihood"] == pytest.approx(np.mean([-0.14, -0.23]))
    assert measured["parted"] == 4
    assert measured["n_tokens"] == pytest.approx((14 + 13 + 6) / 3)
    assert measured["compressibility"] == pytest.approx(np.mean([rows[i].compressibility for i in (0, 1)]))
    assert measured["distinct_1"] == distinct(TEXTS, 1)
    assert measured["distinct_2"] == distinct(TEXTS, 2)
    assert measured["vendi"] == pytest.approx(brute_vendi(np.stack([r.embedding for r in rows]).astype(float)))


class Lengths:
    """Vectors of texts that a test can compute as well."""

    name = "lengths"

    def __init__(self) -> None:
        self.n_calls = 0

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        self.n_calls += 1
        return np.array([[len(text), text.count("a"), 1] for text in texts], float)


def test_imported_texts_have_vectors_only_by_an_embedder(tmp_path: Path) -> None:
    rows = [
        replace(
            text_row(text, seed), tokens=np.zeros(0, np.int32), embedding=np.zeros(0, np.float16), log_likelihood=None
        )
        for seed, text in enumerate(TEXTS)
    ]
    with open_sweep(tmp_path / "x.db") as results:
        cells = [add_cell(results, SETTING, rows), add_cell(results, SETTING, rows[:2], prompt="Another?")]
        plain = cell_measures(results, cells)
        assert [plain[cell][name] for cell in cells for name in ("vendi", "n_tokens", "log_likelihood")] == [None] * 6
        embedded = cell_measures(results, cells, Lengths())
        for cell, n in zip(cells, (3, 2)):
            assert embedded[cell]["vendi"] == pytest.approx(brute_vendi(Lengths()(TEXTS[:n])))


def test_what_is_kept_is_computed_again_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [text_row(text, seed) for seed, text in enumerate(TEXTS)]
    rows[0] = replace(rows[0], log_likelihood=None)
    with open_sweep(synthetic_store(tmp_path / "x.db")) as results:
        add_cell(results, SETTING, rows[:2])
        cells, told = results.cells(), list[tuple[int, int]]()

        def n_computed(embedder: Lengths | None = None) -> int:
            told.clear()
            cell_measures(results, cells, embedder, lambda n, n_all, _: told.append((n, n_all)))
            return told[-1][1] if told else 0

        assert n_computed() == len(cells)
        assert told[-1] == (len(cells), len(cells))
        assert n_computed() == 0
        cell = add_cell(results, SETTING, rows[2:])
        assert n_computed() == 1
        assert cell_measures(results, [cell])[cell]["n_texts"] == 3
        results.keep_score(cell, 0, -9.0, rows[0].embedding)
        assert n_computed() == 1
        assert n_computed(Lengths()) == len(cells)
        assert n_computed(Lengths()) == 0
        assert n_computed() == len(cells)
        assert n_computed() == 0
        monkeypatch.setattr(pytest.importorskip("sacrebleu"), "__version__", "0")
        assert n_computed() == len(cells)
        monkeypatch.setitem(sys.modules, "sacrebleu", None)
        assert n_computed() == len(cells)
        assert cell_measures(results, [cell])[cell]["self_bleu"] is None


def test_an_embedding_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"sentence-transformers is not installed.*drugs_cpp\[embeddings\]"):
        Embedder("some")

    class Package:
        @staticmethod
        def SentenceTransformer(name: str, device: str) -> None:
            raise OSError(f"{name} is not on {device}\nand more")

    monkeypatch.setitem(sys.modules, "sentence_transformers", Package)
    with pytest.raises(OptionError, match=r"'some' cannot be loaded: .*\(some is not on cpu\)"):
        Embedder("some")
