"""Files of traces: what was saved is restored, damage is reported in one error, the reference's layout is supported."""

from __future__ import annotations

import pickle
import random
import sys
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from conftest import MakeLlama
from drugs_cpp import DRUGS, MissingExtraError, OptionError, ResultFileError, StateError, Trace

TOKENS = list(range(5, 25))


@pytest.fixture
def trace(make_llama: MakeLlama, tiny_model_path: str) -> Trace:
    doses = DRUGS(A=0.3, K=0.2)
    doses.set_A_dose_shape([{"depth": 0.1, "peakratio": 0}, {"depth": 0.5, "peakratio": 1}], "ceil")
    llm = make_llama(tiny_model_path)
    return llm.trace(TOKENS, positions=[9, -1], drugs=doses, seed=3, heads=1, attention=[0, 2], top_k=4)


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_all_of_a_trace_comes_back(trace: Trace, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"trace.{ending}"
    trace.save(path)
    loaded = Trace.load(path, lens_of=trace.lens_of)
    for name in ("positions", "layers", "hidden", "norm", "logits"):
        assert np.array_equal(getattr(loaded, name), getattr(trace, name))
        assert getattr(loaded, name).dtype == getattr(trace, name).dtype
    for name in ("tokens", "pieces", "tops", "drugs", "seed", "dosed", "model"):
        assert getattr(loaded, name) == getattr(trace, name)
    for mine, others in ((loaded.heads, trace.heads), (loaded.attention, trace.attention)):
        assert mine.keys() == others.keys()
        assert all(np.array_equal(mine[layer], others[layer]) for layer in mine)
    assert np.array_equal(loaded.lens(), trace.lens())
    assert loaded.divergence(trace).relative_l2.max() == 0


def test_without_its_model_there_is_no_lens(trace: Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "trace.npz")
    with pytest.raises(StateError, match="lens_of"):
        Trace.load(tmp_path / "trace.npz").lens()


def test_the_references_layout(trace: Trace, tmp_path: Path) -> None:
    """As written by ``save_trace`` of EGjoni/DRUGS. As in transformers, the last hidden state is normed."""
    trace.save(tmp_path / "trace.msgpack")
    saved: dict[str, Any] = msgpack.unpackb((tmp_path / "trace.msgpack").read_bytes())
    assert list(saved) == ["dose_shape", "dose", "dose_mode", "hidden_state_embedding", "top_k"]
    assert {site: angle for site, angle in saved["dose"].items() if angle} == {"A": 0.3, "K": 0.2}
    assert {"H", "A", "Q", "K", "V"} <= saved["dose"].keys() == saved["dose_shape"].keys() == saved["dose_mode"].keys()
    assert saved["dose_shape"]["A"] == [{"depth": 0.1, "peakratio": 0.0}, {"depth": 0.5, "peakratio": 1.0}]
    assert saved["dose_shape"]["K"] is None
    assert (saved["dose_mode"]["A"], saved["dose_mode"]["K"]) == ("ceil", "interpolate")
    hidden = np.array(saved["hidden_state_embedding"], np.float32)
    assert trace.norm is not None
    assert np.array_equal(hidden, [*trace.hidden[-1, :-1], trace.norm[-1]])
    top = saved["top_k"]
    assert [sorted(token) for token in top] == [["id", "logit", "prob", "token"]] * 4
    assert [token["prob"] for token in top] == sorted(token["prob"] for token in top)  # the most likely one is last
    assert top[-1]["id"] == str(trace.top[0].id)


def test_a_trace_of_the_reference_is_read(trace: Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "trace.msgpack")
    loaded = Trace.load(tmp_path / "trace.msgpack")
    assert np.array_equal(loaded.hidden[0], trace.hidden[-1, :-1])
    assert loaded.norm is not None
    assert trace.norm is not None
    assert np.array_equal(loaded.norm[0], trace.norm[-1])
    assert loaded.top == trace.top
    assert loaded.drugs is not None
    assert trace.drugs is not None
    assert DRUGS.from_dict(loaded.drugs).table(3).tolist() == DRUGS.from_dict(trace.drugs).table(3).tolist()


def test_the_references_layout_has_all_layers(make_llama: MakeLlama, tiny_model_path: str, tmp_path: Path) -> None:
    trace = make_llama(tiny_model_path).trace(TOKENS, layers=[1, 3])
    with pytest.raises(OptionError, match="all layers"):
        trace.save(tmp_path / "trace.msgpack")
    assert not (tmp_path / "trace.msgpack").exists()


def test_a_trace_in_another_process(trace: Trace) -> None:
    copy = pickle.loads(pickle.dumps(trace))
    assert np.array_equal(copy.hidden, trace.hidden)
    assert copy.lens_of is None
    assert repr(copy) == "<trace: 2 x 4 hidden states of 48, dosed, seed 3>"


@pytest.mark.parametrize("name", ["trace.json", "trace", ".npz"])
def test_other_endings(trace: Trace, tmp_path: Path, name: str) -> None:
    for call in (trace.save, Trace.load):
        with pytest.raises(OptionError, match="ends in"):
            call(tmp_path / name)


@pytest.mark.parametrize("ending", ["npz", "safetensors", "msgpack"])
def test_damaged_files(trace: Trace, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"trace.{ending}"
    with pytest.raises(ResultFileError, match="no such file"):
        Trace.load(path)
    trace.save(path)
    whole = path.read_bytes()
    for cut in (0, 1, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ResultFileError):
            Trace.load(path)
    numbers = random.Random(1)
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(numbers.choice([1, 20])):
            damaged[numbers.randrange(min(len(damaged), 2000))] = numbers.randrange(256)
        path.write_bytes(damaged)
        try:
            loaded = Trace.load(path)
        except ResultFileError:
            continue
        assert loaded.hidden.ndim == 3  # a damaged number is just another number


def test_other_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "newer.npz", about='{"format": "drugs_cpp trace 2"}')
    (tmp_path / "other.msgpack").write_bytes(msgpack.packb([1, 2]))
    for name, message in (
        ("other.npz", "not a trace"),
        ("newer.npz", "this version reads"),
        ("other.msgpack", "trace"),
    ):
        with pytest.raises(ResultFileError, match=message):
            Trace.load(tmp_path / name)


def test_a_package_that_is_missing(trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("msgpack", "safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for ending in ("msgpack", "safetensors"):
        with pytest.raises(MissingExtraError, match=r'pip install "drugs_cpp\[lab\]"'):
            trace.save(tmp_path / f"trace.{ending}")
    trace.save(tmp_path / "trace.npz")
