"""Studies of vergence: which runs they make, what they keep of them, and that an interrupted study continues."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import MakeLlama
from drugs_cpp import (
    DRUGS,
    CountError,
    DoseError,
    DrugsError,
    Llama,
    OptionError,
    PromptError,
    ResultFileError,
    SeedError,
)
from drugs_cpp.study import Store, Vergence, stored_vergence, vergence
from drugs_cpp.study.grid import NEAR, UP_TO, Cell, doses_of, layers_of, make_grid
from drugs_cpp.study.vergence_claims import carried_of, claims, kl_of, thirds
from drugs_cpp.study.vergence_page import page_data
from support.architectures import Bools
from support.tiny_adapter import write_tiny_adapter

TOKENS = list(range(5, 25))
N_LAYER = 3
SMALL: dict[str, Any] = {"sites": ["K", "A"], "angles": [0.3, 0.9], "seeds": 3}


def equal(a: Vergence, b: Vergence) -> bool:
    names = ("kl", "top", "cosine", "relative_l2", "probs")
    return a.grid == b.grid and all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in names)


#
# grids
#


@pytest.mark.parametrize("n_layer", [1, 2, 3, 30, 61])
@pytest.mark.parametrize("window", [NEAR, UP_TO])
def test_a_window_doses_its_layers_and_no_others(window: str, n_layer: int) -> None:
    for layer in range(n_layer):
        table = doses_of(Cell("V", window, layer, 0.7, 5), n_layer).table(n_layer)
        expected = np.zeros(n_layer)
        first = 0 if window == UP_TO else max(0, layer - 1)
        last = layer if window == UP_TO else min(n_layer - 1, layer + 1)
        expected[first : last + 1] = 0.7
        assert np.allclose(table[:, 3], expected)
        assert (np.delete(table, 3, axis=1) == 0).all()
        assert list(layers_of(window, layer, n_layer)) == np.flatnonzero(expected).tolist()


def test_cells() -> None:
    grid = make_grid(N_LAYER, ["K", "A", "K"], [NEAR], [0.5, 0.2], 2)
    cells = list(grid.cells())
    assert len(cells) == len(set(cells)) == 2 * 1 * N_LAYER * 2 * 2
    assert grid.angles == (0.2, 0.5)
    assert grid.seeds == (1, 2)
    assert cells[:4] == [Cell("K", NEAR, 0, angle, seed) for angle in (0.2, 0.5) for seed in (1, 2)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sites": ["X"]}, DoseError, "X"),
        ({"sites": []}, CountError, "sites is empty"),
        ({"windows": ["far"]}, OptionError, "near or up-to"),
        ({"angles": [0]}, DoseError, "more than 0"),
        ({"angles": [3.2]}, DoseError, "at most pi"),
        ({"angles": ["a"]}, DoseError, "finite"),
        ({"seeds": 0}, CountError, "1 or more"),
        ({"seeds": True}, CountError, "True"),
        ({"seeds": 10**12}, CountError, "more than 10000"),
        ({"sites": 5}, DoseError, "5"),
        ({"windows": None}, OptionError, "None"),
        ({"seeds": []}, CountError, "seeds is empty"),
        ({"seeds": [-1]}, CountError, "fixed seeds"),
        ({"seeds": [1.5]}, SeedError, "1.5"),
        ({"dosed": "some"}, OptionError, "some"),
    ],
)
def test_grids_that_cannot_be(options: dict[str, Any], error: type[DrugsError], message: str) -> None:
    with pytest.raises(error, match=message):
        make_grid(N_LAYER, **options)


#
# results
#


@pytest.mark.parametrize("dosed", ["last", "all"])
def test_results_are_those_of_single_traces(sober: Llama, dosed: str) -> None:
    result = vergence(sober, TOKENS, windows=[UP_TO], dosed=dosed, **SMALL)
    assert result.kl.shape == (2, 1, N_LAYER, 2, 3)
    plain = sober.trace(TOKENS, drugs=DRUGS(), dosed=dosed)
    assert [token.id for token in result.sober_top] == [token.id for token in plain.top]
    for place in np.ndindex(result.kl.shape):
        site, window, layer, angle, seed = place
        cell = Cell(("K", "A")[site], (UP_TO,)[window], layer, (0.3, 0.9)[angle], seed + 1)
        trace = sober.trace(TOKENS, drugs=doses_of(cell, N_LAYER), dosed=dosed)
        divergence = trace.divergence(plain)
        assert np.allclose(result.cosine[place], divergence.cosine[0], atol=1e-7)
        assert np.allclose(result.relative_l2[place], divergence.relative_l2[0], rtol=1e-5)
        assert divergence.kl is not None
        assert result.kl[place] == pytest.approx(divergence.kl[0], rel=1e-5, abs=1e-9)
        assert trace.logits is not None
        assert result.top[place] == trace.logits[0].argmax()
        p = np.exp(trace.logits[0].astype(float) - trace.logits[0].max())
        assert np.allclose(result.probs[place], (p / p.sum())[[token.id for token in plain.top]], rtol=1e-5)


class Stop(Exception):
    """Like Ctrl-C."""


def stop_after(n: int) -> Callable[[int, int, float], None]:
    def listen(n_done: int, _: int, __: float) -> None:
        if n_done >= n:
            raise Stop

    return listen


def test_a_study_goes_on_where_it_was_broken_off(sober: Llama, tmp_path: Path) -> None:
    whole = vergence(sober, TOKENS, **SMALL)
    store = tmp_path / "results.db"
    told: list[tuple[int, int]] = []
    for n in (5, 20, 11):
        with pytest.raises(Stop):
            vergence(sober, TOKENS, store=store, n_parallel=2, progress=stop_after(n), **SMALL)
    n_kept = np.isfinite(stored_vergence(store).kl).sum()
    assert n_kept >= 30
    resumed = vergence(sober, TOKENS, store=store, progress=lambda n, n_all, _: told.append((n, n_all)), **SMALL)
    assert equal(resumed, whole)
    assert told[0] == (0, whole.grid.n_cells - n_kept)
    assert told[-1] == (whole.grid.n_cells - n_kept,) * 2
    assert equal(stored_vergence(store), whole)


def test_a_text_that_cannot_be_dosed_leaves_the_store_as_it_is(sober: Llama, tmp_path: Path) -> None:
    store = tmp_path / "results.db"
    whole = vergence(sober, TOKENS, store=store, **SMALL)
    with pytest.raises(PromptError, match="the first 6 are never dosed"):
        vergence(sober, TOKENS[:3], store=store, **SMALL)
    with Store(store) as results:
        results.study("vergence", {"of": "nothing yet"}, {})
    assert equal(stored_vergence(store), whole)


@pytest.mark.parametrize("options", [{"flash_attn": True}, {"type_k": 0, "type_v": 0}, {"rope_freq_base": 1e5}])
def test_a_model_that_is_loaded_otherwise_is_another_study(
    make_llama: MakeLlama, tiny_model_path: str, tmp_path: Path, options: dict[str, Any]
) -> None:
    small: dict[str, Any] = {"sites": ["A"], "windows": [NEAR], "angles": [0.5], "seeds": 1}
    store = tmp_path / "results.db"
    vergence(make_llama(tiny_model_path), TOKENS, store=store, **small)
    other = make_llama(tiny_model_path, **options)
    assert equal(vergence(other, TOKENS, store=store, **small), vergence(other, TOKENS, **small))


def test_an_adapter_is_part_of_a_study(make_llama: MakeLlama, tiny_model_path: str, tmp_path: Path) -> None:
    small: dict[str, Any] = {"sites": ["A"], "windows": [NEAR], "angles": [0.5], "seeds": 1}
    store, adapter = tmp_path / "results.db", tmp_path / "adapter.gguf"
    write_tiny_adapter(adapter)
    plain = vergence(make_llama(tiny_model_path), TOKENS, store=store, **small)
    for scale in (1.0, 0.5):
        llm = make_llama(tiny_model_path, lora_path=str(adapter), lora_scale=scale)
        adapted = vergence(llm, TOKENS, store=store, **small)
        assert equal(adapted, vergence(llm, TOKENS, **small))
        assert not equal(adapted, plain)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vergence SET cosine = x'00'",
        "UPDATE vergence SET cosine = x'000000000000000000000000'",
        "UPDATE vergence SET kl = 'abc'",
        "UPDATE vergence SET top = 99999999999",
        "UPDATE study SET about = '{'",
        "UPDATE study SET about = '{}'",
        "UPDATE study SET key = '[]'",
    ],
)
def test_rows_that_cannot_be(sober: Llama, tmp_path: Path, damage: str) -> None:
    store = tmp_path / "results.db"
    vergence(sober, TOKENS, store=store, **SMALL)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute(damage)
    with pytest.raises(ResultFileError, match="damaged"):
        stored_vergence(store)


def test_reading_does_not_wait_for_who_writes(sober: Llama, tmp_path: Path) -> None:
    store = tmp_path / "results.db"
    whole = vergence(sober, TOKENS, store=store, **SMALL)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert equal(stored_vergence(store), whole)


def test_a_larger_grid_keeps_what_is_there(sober: Llama, tmp_path: Path) -> None:
    store, told = tmp_path / "results.db", list[int]()
    vergence(sober, TOKENS, sites=["A"], windows=[NEAR], angles=[0.3], seeds=2, store=store)
    larger: dict[str, Any] = {"sites": ["A", "H"], "windows": [NEAR], "angles": [0.3, 0.6], "seeds": 2}
    vergence(sober, TOKENS, store=store, progress=lambda _, n_all, __: told.append(n_all), **larger)
    assert told[0] == 2 * N_LAYER * 2 * 2 - N_LAYER * 2
    vergence(sober, TOKENS[:15], store=store, progress=lambda _, n_all, __: told.append(n_all), **larger)
    assert told[-1] == 2 * N_LAYER * 2 * 2  # another text
    assert stored_vergence(store).about["pieces"] == list(sober.trace(TOKENS[:15], layers=0).pieces)


def test_layers_without_a_site_are_left_out(sober: Llama, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in hybrid models, in which some layers have no heads."""
    has: Bools = np.ones((N_LAYER, 8), bool)
    has[1:, 4] = False
    monkeypatch.setattr("drugs_cpp._core.has_sites", lambda *_: has)
    result = vergence(sober, TOKENS, sites=["A"], windows=[NEAR], angles=[0.3], seeds=1)
    assert np.isfinite(result.kl[0, 0, :, 0, 0]).tolist() == [True, True, False]
    has[:, 4] = False
    with pytest.raises(DoseError, match="no site A"):
        vergence(sober, TOKENS, sites=["A"], windows=[NEAR], angles=[0.3], seeds=1)


def test_the_model_stays_as_it_was(make_llama: MakeLlama, tiny_model_path: str) -> None:
    llm = make_llama(tiny_model_path, drugs=DRUGS(A=0.2), seed=4)
    llm.eval(TOKENS[:5])
    vergence(llm, TOKENS, **SMALL)
    assert (llm.n_tokens, llm.seed, llm.drugs.to_dict()["A"]) == (5, 4, 0.2)


#
# the store
#


def test_stores_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match="no such file"):
        stored_vergence(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("These are no results. " * 100)
    with pytest.raises(ResultFileError, match=r"damaged, or not a results file"):
        Store(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE x (y)")
    with pytest.raises(ResultFileError, match="another program"):
        Store(tmp_path / "other.db")
    with Store(tmp_path / "newer.db"):
        pass
    with sqlite3.connect(tmp_path / "newer.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(ResultFileError, match="newer version"):
        Store(tmp_path / "newer.db")
    with pytest.raises(ResultFileError, match="cannot be opened"):
        Store(tmp_path / "no folder" / "results.db")
    with Store(tmp_path / "empty.db"), pytest.raises(ResultFileError, match="no results of vergence"):
        stored_vergence(tmp_path / "empty.db")


def test_several_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    for round_number in range(20):
        store, failed = tmp_path / f"{round_number}.db", list[str]()

        def use(store: Path = store, failed: list[str] = failed) -> None:
            try:
                with Store(store) as results:
                    results.study("vergence", {"of": "all"}, {})
            except ResultFileError as error:
                failed.append(str(error))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        with Store(store) as results:
            assert results.about(1) == ({"of": "all"}, {})


def test_a_damaged_store(sober: Llama, tmp_path: Path) -> None:
    store = tmp_path / "results.db"
    vergence(sober, TOKENS, store=store, **SMALL)
    whole = store.read_bytes()
    for first in range(4096, len(whole), 4096):
        store.write_bytes(whole[:first] + b"\xff" * 4096 + whole[first + 4096 :])
        try:
            stored_vergence(store)
        except ResultFileError:
            return
    pytest.fail("no damage was noticed")


#
# what is shown
#


def test_what_the_page_is_told(sober: Llama) -> None:
    result = vergence(sober, TOKENS, **SMALL)
    data = page_data(result)
    assert data["n_runs"] == result.grid.n_cells
    assert data["sites"] == ("K", "A")
    assert "</script" not in str(data)


def test_claims_are_means_of_thirds(sober: Llama) -> None:
    result = vergence(sober, TOKENS, windows=[NEAR], **SMALL)
    at = result.nearest_angle(0.8)
    assert at == 1
    carried = carried_of(result, "K", at)
    for layer in range(N_LAYER):
        cosine = result.cosine[0, 0, layer, at].mean(axis=0)
        assert carried[layer] == pytest.approx(cosine[-1] / cosine[min(layer + 1, N_LAYER - 1) + 1])
    assert np.allclose(kl_of(result, "K", at), result.kl[0, 0, :, at].mean(axis=-1))
    assert thirds(np.arange(6.0)) == [0.5, 2.5, 4.5]
    lines = list(claims(result))
    assert [line.split()[0] for line in lines[4:]] == ["K", "A"]
    (why,) = claims(vergence(sober, TOKENS, windows=[UP_TO], **SMALL))
    assert why.startswith("No numbers")
