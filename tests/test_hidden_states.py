"""`drugs serve`: POST /hidden-states computes the same as `Llama.trace`, and leaves the slots as they are."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drugs_cpp import Llama
from drugs_cpp.traces.trace import Trace
from support.low_level import N_GPU_LAYERS
from support.patience import wait_until
from support.program import Answer, Server
from support.serving import TINY, completion, slots, text, try_until
from support.tiny_adapter import write_tiny_adapter
from support.tiny_embedding_model import write_tiny_embedding_model
from support.tiny_model import N_CTX, N_EMBD, N_LAYER, N_VOCAB

TEXT = "Once upon a time there was a model that had layers."
DOSES = {"A": 0.5, "seed": 7}
F32 = 0  # type of the cache

Arrays = dict[str, npt.NDArray[Any]]


def ask(server: Server, **fields: Any) -> Answer:
    return server.post("/hidden-states", {"prompt": TEXT, **fields})


def states(server: Server, **fields: Any) -> Any:
    answer = ask(server, **fields)
    assert answer.status == 200, answer.text
    return answer.json


def parts_of(body: bytes) -> tuple[Any, Arrays]:
    """The metadata of a safetensors file, and its arrays."""
    n_header = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + n_header])
    about, data, arrays, end = json.loads(header.pop("__metadata__")["about"]), body[8 + n_header :], {}, 0
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        kind = {"F32": "<f4", "I32": "<i4"}[entry["dtype"]]
        arrays[name] = np.frombuffer(data[start:end], kind).reshape(entry["shape"])
    assert end == len(data)
    return about, arrays


def f32(numbers: object) -> npt.NDArray[np.float32]:
    return np.asarray(numbers, np.float32)


def assert_same(answer: Any, trace: Trace) -> None:
    """All numbers are bit for bit the same, except for probabilities, which are summed in a different order."""
    for name in ("tokens", "pieces", "positions", "layers"):
        assert answer[name] == list(getattr(trace, name)), name
    np.testing.assert_array_equal(f32(answer["hidden"]), trace.hidden)
    np.testing.assert_array_equal(f32(answer["norm"]), trace.norm)
    for top, likely in zip(answer["top"], trace.tops):
        assert [[one[key] for key in ("token", "id", "logit")] for one in top] == [list(one[:3]) for one in likely]
        assert [one["prob"] for one in top] == pytest.approx([one.prob for one in likely])
    assert len(answer["top"]) == len(trace.tops) == len(answer["positions"])


def open_tiny(path: str, **kwargs: Any) -> Llama:
    """The model with the settings of ``tiny_server``."""
    usual: dict[str, Any] = {"n_ctx": N_CTX, "n_threads": 1, "n_threads_batch": 1, "n_gpu_layers": N_GPU_LAYERS}
    return Llama(path, **usual, type_k=F32, type_v=F32, verbose=False, **kwargs)


@pytest.fixture(scope="module")
def tiny_llm(tiny_model_path: str) -> Iterator[Llama]:
    llm = open_tiny(tiny_model_path)
    yield llm
    llm.close()


@pytest.mark.parametrize(
    "drugs", [{}, DOSES, {"K": 0.4, "V": 0.4, "seed": 3}, {"pK": 0.3, "M": 0.2, "hold": "text", "seed": 2}]
)
@pytest.mark.parametrize("dosed", ["all", "last"])
@pytest.mark.parametrize("positions", ["all", "last"])
def test_it_is_what_python_computes(
    tiny_server: Server, tiny_llm: Llama, drugs: Any, dosed: str, positions: str
) -> None:
    answer = states(tiny_server, drugs=drugs, dosed=dosed, positions=positions)
    assert_same(answer, tiny_llm.trace(TEXT, drugs=drugs, dosed=dosed, positions=positions))
    assert answer["n_embd"] == N_EMBD
    assert answer["model"] == tiny_server.post("/v1/completions", {"prompt": "x", "max_tokens": 1}).json["model"]
    assert answer["dosed"] == dosed


def test_a_text_of_several_batches(tiny_server: Server, tiny_llm: Llama) -> None:
    long = (TEXT * 9)[: N_CTX - 2]
    for positions in ([0, 63, 64, 200, -1], "all"):
        answer = states(tiny_server, prompt=long, drugs=DOSES, positions=positions, top_k=3)
        assert_same(answer, tiny_llm.trace(long, drugs=DOSES, positions=positions, top_k=3))


def test_doses_change_it_and_are_told(tiny_server: Server) -> None:
    sober, dosed = (states(tiny_server, drugs=drugs) for drugs in ({}, DOSES))
    last = states(tiny_server, drugs=DOSES, dosed="last")
    assert sober["drugs"] is None
    assert dosed["drugs"] == {
        **DOSES, "noise": "isotropic", "sink": 6, "dose_inputs": True, "sober_interval": 420, "repeatable": True,
    }  # fmt: skip
    assert last["drugs"]["dose_inputs"] == "last"
    assert sober["hidden"] != dosed["hidden"] != last["hidden"] != sober["hidden"]
    assert states(tiny_server, drugs=dosed["drugs"]) == dosed
    in_the_sink = [states(tiny_server, drugs=drugs, positions=5)["hidden"] for drugs in ({}, DOSES)]
    assert in_the_sink[0] == in_the_sink[1]


def test_seeds(tiny_server: Server) -> None:
    first, second = (states(tiny_server, drugs={"A": 0.5}) for _ in range(2))
    assert first["drugs"]["seed"] != second["drugs"]["seed"]
    assert first["hidden"] != second["hidden"]
    assert states(tiny_server, drugs={"A": 0.5}, seed=7)["hidden"] == states(tiny_server, drugs=DOSES)["hidden"]


def test_binary_is_a_file_with_the_same_numbers(tiny_server: Server, tiny_llm: Llama, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"drugs": DOSES, "positions": [0, -1, 8], "layers": [-1, 0]}
    binary, answer = ask(tiny_server, format="binary", **fields), states(tiny_server, **fields)
    assert binary.status == 200
    assert binary.headers["content-type"] == "application/octet-stream"
    about, arrays = parts_of(binary.body)
    assert len(binary.body) % 4 == 0
    assert list(arrays) == ["hidden", "norm", "positions", "layers"]
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, np.asarray(answer[name], values.dtype))
    for name in ("model", "tokens", "pieces", "drugs", "n_embd", "dosed"):
        assert about[name] == answer[name]
    assert about["top"] == [[list(one.values()) for one in top] for top in answer["top"]]

    everything: dict[str, Any] = {"about": np.array(json.dumps(about)), **arrays}
    np.savez(tmp_path / "trace.npz", **everything)  # the same layout in another container
    assert_same(answer, loaded := Trace.load(tmp_path / "trace.npz"))
    assert loaded.divergence(tiny_llm.trace(TEXT, **fields)).relative_l2.max() == 0
    assert loaded.seed == 7


def test_the_client_in_the_docs(tiny_server: Server) -> None:
    page = (Path(__file__).parents[1] / "docs" / "server.md").read_text(encoding="utf-8")
    (client,) = re.findall(r"```py\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(client.replace("http://localhost:8080", tiny_server.url), names)
    expected = states(tiny_server, prompt="The sea was calm that night, and", positions="all")["hidden"]
    np.testing.assert_array_equal(names["hidden"], f32(expected))


def test_layers_and_positions_are_counted_from_either_end(tiny_server: Server) -> None:
    everything = states(tiny_server, layers="all", positions="all")
    n = len(everything["tokens"])
    assert everything["layers"] == list(range(N_LAYER + 1))
    assert everything["positions"] == list(range(n))
    some = states(tiny_server, layers=[-1, 0, N_LAYER], positions=[-n, -1, n - 1, 2], top_k=1)
    assert some["layers"] == [0, N_LAYER]
    assert some["positions"] == [0, 2, n - 1]
    chosen = f32(everything["hidden"])[[0, 2, n - 1]][:, [0, N_LAYER]]
    np.testing.assert_array_equal(f32(some["hidden"]), chosen)
    assert [top for (top,) in some["top"]] == [everything["top"][position][0] for position in (0, 2, n - 1)]
    one = states(tiny_server, layers=-2, positions=-1)
    assert (one["layers"], one["positions"]) == ([N_LAYER - 1], [n - 1])
    assert states(tiny_server, positions=None, layers=None, drugs=None, top_k=None) == states(tiny_server)


def test_top_k(tiny_server: Server) -> None:
    assert states(tiny_server, top_k=0)["top"] == [[]]
    (all_of_them,) = states(tiny_server, top_k=10**9)["top"]
    assert len(all_of_them) == N_VOCAB
    assert sum(one["prob"] for one in all_of_them) == pytest.approx(1)
    assert [one["logit"] for one in all_of_them] == sorted((one["logit"] for one in all_of_them), reverse=True)


def test_tokens_and_mixed_prompts_as_a_completion_takes_them(tiny_server: Server) -> None:
    by_text = states(tiny_server)
    tokens = by_text["tokens"]
    assert states(tiny_server, prompt=tokens) == by_text
    assert states(tiny_server, prompt=[tokens]) == by_text
    z = states(tiny_server, prompt=[1, "z"])["tokens"][1:]
    assert states(tiny_server, prompt=[*tokens[:5], "z"])["tokens"] == [*tokens[:5], *z]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": None}, "prompt is missing: give a text or a list of tokens"),
        ({"prompt": 7}, "prompt is 7: give a text or a list of tokens"),
        ({"prompt": {"x": 1}}, 'prompt is {"x":1}: give a text or a list of tokens'),
        ({"prompt": []}, "prompt is []: give a text or a list of tokens"),
        ({"prompt": ["a", "b"]}, "prompt has 2 texts: give one"),
        ({"prompt": {"prompt_string": "x", "multimodal_data": []}}, "give a text or a list of tokens"),
        ({"prompt": [1, N_VOCAB]}, f"there is no token {N_VOCAB}: they go from 0 to {N_VOCAB - 1}"),
        ({"prompt": [-1]}, "there is no token -1"),
        ({"prompt": [5, 2**32 + 5]}, "there is no token 4294967301"),
        ({"prompt": [5, 2**63]}, "there is no token 9223372036854775808"),
        ({"prompt": "some text", "lora": [{"id": 0, "scale": 1}]}, "POST /lora-adapters"),
        ({"layers": "some"}, 'layers is "some": give "all", "last", a number or a list of numbers'),
        ({"layers": True}, "layers is true: give"),
        ({"layers": {}}, "layers is {}: give"),
        ({"layers": [0, 4]}, "layers: 4 is not one of them: they go from 0 to 3, or from -4 to -1"),
        ({"layers": -5}, "layers: -5 is not one of them"),
        ({"layers": 1.5}, "layers: 1.5 is not one of them"),
        ({"layers": [None]}, "layers: null is not one of them"),
        ({"layers": []}, "layers is []: name at least one"),
        ({"layers": 18446744073709551615}, "layers: 18446744073709551615 is not one of them"),
        ({"positions": "first"}, 'positions is "first": give "all", "last", a number or a list of numbers'),
        ({"positions": [0, 1000]}, "positions: 1000 is not one of them: they go from 0 to 52, or from -53 to -1"),
        ({"positions": []}, "positions is []: name at least one"),
        ({"dosed": "first"}, 'dosed is "first": give "all" or "last"'),
        ({"dosed": True}, 'dosed is true: give "all" or "last"'),
        ({"format": "npz"}, 'format is "npz": give "json" or "binary"'),
        ({"top_k": -1}, "top_k is -1: it is a number of tokens, 0 or more"),
        ({"top_k": "10"}, 'top_k is "10": it is a number of tokens, 0 or more'),
        ({"top_k": 2.5}, "top_k is 2.5"),
        ({"seed": "7", "drugs": DOSES}, 'seed is "7": give a whole number from 0 to 4294967294, or -1'),
        ({"drugs": {"X": 1}}, "Field 'drugs': unknown name \"X\""),
        ({"drugs": {"A": -1}}, "Field 'drugs': the dose at A (radians) is -1"),
        ({"drugs": DOSES, "prompt": "shor"}, "the text has 6 tokens, and the first 6 are never dosed: give a longer"),
        ({"prompt": "x" * 499}, "the text has 501 tokens, and the context of this server 256: shorten it, or start"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_400_that_names_it(tiny_server: Server, fields: dict[str, Any], message: str) -> None:
    refused = ask(tiny_server, **fields)
    assert refused.status == 400, refused.text
    assert message in refused.error
    assert tiny_server.is_alive


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"text"', b'{"prompt": 1e999}', b"\xff"])
def test_what_is_no_request_is_a_400(tiny_server: Server, body: bytes) -> None:
    assert tiny_server.post("/hidden-states", body).status == 400


def test_unknown_fields_are_ignored(tiny_server: Server) -> None:
    assert states(tiny_server, unknown=1, n_predict="?") == states(tiny_server)


def test_the_slots_stay_as_they_are(tiny_server: Server) -> None:
    completion(tiny_server, {"A": 0.5, "seed": 1}, id_slot=0)
    wait_until(lambda: all(slot["drugs"]["n_dirty"] == 0 for slot in slots(tiny_server)))
    before, sober = slots(tiny_server), text(tiny_server, {}, temperature=0, id_slot=1)
    before = slots(tiny_server)
    states(tiny_server, drugs=DOSES, positions="all")
    assert slots(tiny_server) == before
    assert text(tiny_server, {}, temperature=0, id_slot=1) == sober


def test_it_is_computed_while_a_slot_writes(tiny_server: Server) -> None:
    body = {
        "prompt": TEXT,
        "n_predict": 190,
        "stream": True,
        "ignore_eos": True,
        "drugs": {"A": 0.4, "seed": 5, "sober_interval": 60},
    }
    alone = "".join(event["content"] for event in tiny_server.stream("/completion", body))
    expected = states(tiny_server, drugs=DOSES, positions="all")

    def attempt() -> bool:
        stream = tiny_server.stream("/completion", body)
        written = next(stream)["content"]
        assert states(tiny_server, drugs=DOSES, positions="all") == expected
        still_writing = any(slot["is_processing"] for slot in slots(tiny_server))
        assert written + "".join(event["content"] for event in stream) == alone
        return still_writing

    try_until(attempt)


def test_several_at_once_wait_for_each_other(tiny_server: Server) -> None:
    alone = {seed: states(tiny_server, drugs={"A": 0.5, "seed": seed}, positions="all") for seed in range(6)}
    found: dict[int, Any] = {}

    def one(seed: int) -> None:
        found[seed] = states(tiny_server, drugs={"A": 0.5, "seed": seed}, positions="all")

    threads = [threading.Thread(target=one, args=(seed,)) for seed in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def test_an_answer_that_would_be_too_large_is_a_413(model_path: str) -> None:
    with Server("-m", model_path, "-c", "2048", "-np", "1") as server:
        for fields, size in (({"prompt": [1] * 1000}, "70.9"), ({"prompt": [1] * 30, "top_k": 10**6}, "92.1")):
            refused = ask(server, positions="all", **fields)
            assert refused.status == 413
            assert refused.error.startswith(f"the answer would have {size} MiB, and 64 MiB is the most: name fewer pos")
        assert server.is_alive


def test_clients_that_hang_up_and_a_server_that_stops(model_path: str) -> None:
    with Server("-m", model_path, "-c", "2048", "-np", "1") as server:

        def send() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.request("POST", "/hidden-states", json.dumps({"prompt": [500] * 1500}).encode())
            return connection

        for connection in [send() for _ in range(12)]:
            connection.close()
        wait_until(lambda: "cancel task" in server.log)
        states(server)  # once the requests before it have finished

        waiting = [send() for _ in range(4)]
        assert server.get("/health").status == 200
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: not server.is_alive)
        assert server.exit_status == 0
        for connection in waiting:
            connection.close()


def test_a_key_and_the_doses_of_the_server(tiny_model_path: str, tiny_server: Server) -> None:
    doses = ("--dose", "A=0.5", "--dose-seed", "7", "--dose-max", "0.6")
    key = {"Authorization": "Bearer secret"}
    with Server("-m", tiny_model_path, *TINY, *doses, "--api-key", "secret", "--sleep-idle-seconds", "1") as server:
        assert ask(server).status == 401
        dosed = server.post("/hidden-states", {"prompt": TEXT}, **key)
        assert dosed.json["drugs"]["seed"] == 7
        assert dosed.json["hidden"] == states(tiny_server, drugs=DOSES)["hidden"]
        sober = server.post("/hidden-states", {"prompt": TEXT, "drugs": {}}, **key)
        assert sober.json["drugs"] is None
        assert sober.json["hidden"] == states(tiny_server)["hidden"]
        refused = server.post("/hidden-states", {"prompt": TEXT, "drugs": {"A": 0.7}}, **key)
        assert refused.status == 400
        assert "this server allows" in refused.error
        wait_until(lambda: server.get("/props", **key).json["is_sleeping"])
        assert server.post("/hidden-states", {"prompt": TEXT}, **key).body == dosed.body


def test_adapters_count(tiny_model_path: str, tiny_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    write_tiny_adapter(path)
    with Server("-m", tiny_model_path, *TINY, "--lora", str(path)) as server:
        adapted = states(server)
        assert adapted["hidden"] != states(tiny_server)["hidden"]
        llm = open_tiny(tiny_model_path, lora_path=str(path))
        assert_same(adapted, llm.trace(TEXT))
        llm.close()
        assert server.post("/lora-adapters", [{"id": 0, "scale": 0}]).status == 200
        assert states(server)["hidden"] == states(tiny_server)["hidden"]


def test_where_nothing_is_computed_repeatably(tiny_model_path: str, tiny_server: Server) -> None:
    assert states(tiny_server, drugs={**DOSES, "repeatable": False})["drugs"]["repeatable"] is False
    with Server("-m", tiny_model_path, *TINY, "--no-repeatable") as server:
        assert states(server, drugs=DOSES)["drugs"]["repeatable"] is False
        assert states(server, drugs={**DOSES, "repeatable": True}) == states(tiny_server, drugs=DOSES)


def test_a_model_that_computes_embeddings_alone(tmp_path: Path) -> None:
    path = tmp_path / "embedding.gguf"
    write_tiny_embedding_model(path)
    with Server("-m", str(path), "-c", "256", "-np", "1", "--embedding") as server:
        refused = ask(server, prompt=[1, 2, 3])
        assert refused.status == 501
        assert "does not write text token by token" in refused.error
        assert server.is_alive
