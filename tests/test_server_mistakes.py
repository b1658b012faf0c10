"""`drugs serve`: mistakes in a request, clients that hang up, keys."""

from __future__ import annotations

from pathlib import Path

import pytest

import drugs_cpp
from support.patience import wait_until
from support.program import Answer, Server, run_drugs
from support.serving import PROMPT, TINY, dirty, slots, text

RAMP = {"points": [{"depth": 0.2, "peakratio": 0}, {"depth": 0.7, "peakratio": 1}], "mode": "ceil"}


@pytest.mark.parametrize(
    ("drugs", "message"),
    [
        (7, 'the value is 7: give an object such as {"A": 0.3}, or mild, medium, strong'),
        ([], "the value is []"),
        ({"X": 1}, 'unknown name "X"'),
        ({"a": 0.1}, 'unknown name "a" (did you mean "A"?)'),
        ({"A": "1"}, 'the dose at A (radians) is "1": give a number'),
        ({"A": None}, "the dose at A (radians) is null"),
        ({"A": True}, "the dose at A (radians) is true"),
        ({"A": -0.1}, "the dose at A (radians) is -0.1"),
        ({"A": 1e39}, "lower it"),
        ({"A": 0.1, "seed": 4294967296}, "the dose seed is 4.29497e+09: give a whole number from 0 to 4294967294"),
        ({"A": 0.1, "seed": 1.5}, "the dose seed is 1.5"),
        ({"A": 0.1, "seed": "7"}, 'the dose seed is "7"'),
        ({"A": 0.1, "noise": "pink"}, "unknown noise 'pink'"),
        ({"A": 0.1, "noise": 3}, "the noise is 3: give a string"),
        ({"A": 0.1, "shape": []}, "the shape is []: give an object"),
        ({"A": 0.1, "shape": {"Z": []}}, "unknown site 'Z'"),
        ({"A": 0.1, "shape": {"A": []}}, "has no points"),
        ({"A": 0.1, "shape": {"A": {"points": 3}}}, "are 3: give an array"),
        ({"A": 0.1, "shape": {"A": [{"depth": 0}]}}, 'it needs "depth" and "peakratio"'),
        ({"A": 0.1, "shape": {"A": {**RAMP, "mode": "wavy"}}}, "unknown mode 'wavy'"),
        ({"A": 0.1, "shape": {"A": {**RAMP, "x": 1}}}, 'unknown name "x"'),
        ({"A": 0.1, "shape": {"A": [{"depth": 0, "peakratio": 1}] * 1001}}, "has 1001 points: give 1000 at most"),
        ({"A": 0.1, "sink": -1}, "the dose sink is -1"),
        ({"A": 0.1, "sober_interval": 0}, "the sober interval is 0"),
        ({"A": 0.1, "dose_inputs": 1}, "dose_inputs is 1: give true, false or"),
        (
            {"A": 0.1, "inputs": True},
            'unknown name "inputs": the names are H, Q, K, V, A, pK, pV, M, effect',
        ),
        ({"multiplier": -1}, "the dose multiplier is -1"),
    ],
)
def test_a_bad_value_is_a_400_that_names_it(tiny_server: Server, drugs: object, message: str) -> None:
    for path, body in (("/completion", {"prompt": PROMPT}), ("/v1/completions", {"prompt": PROMPT, "stream": True})):
        refused = tiny_server.post(path, {**body, "drugs": drugs})
        assert refused.status == 400
        assert refused.error.startswith("Field 'drugs': ")
        assert message in refused.error
    assert tiny_server.is_alive


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"prompt": "x", "drugs": {"A": NaN}}', b'{"prompt": "x", "drugs": {"A": 1e999}}', b"\xff\xfe"]
)
def test_malformed_json_is_a_400(tiny_server: Server, body: bytes) -> None:
    for path in ("/completion", "/v1/completions", "/v1/chat/completions"):
        refused: Answer = tiny_server.post(path, body)
        assert refused.status == 400, refused.text
        assert refused.error


def test_null_means_the_default(tiny_server: Server) -> None:
    assert "drugs" not in tiny_server.post("/completion", {"prompt": PROMPT, "n_predict": 2, "drugs": None}).json


def test_a_client_that_hangs_up_frees_its_slot(tiny_server: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 240, "stream": True, "drugs": {"A": 0.5}}
    streams = [tiny_server.stream("/completion", {**body, "id_slot": slot}) for slot in range(4)]
    for stream in streams:
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    wait_until(lambda: not any(slot["is_processing"] for slot in slots(tiny_server)))
    wait_until(lambda: dirty(tiny_server) == 0)
    assert text(tiny_server, {"A": 0.5, "seed": 1}) == text(tiny_server, {"A": 0.5, "seed": 1})


#: the files of the page
PAGE = Path(drugs_cpp.__file__).with_name("page")


def test_the_api_key_protects_all_but_the_page(tiny_model_path: str) -> None:
    key = {"Authorization": "Bearer secret"}
    with Server("-m", tiny_model_path, *TINY, "--api-key", "secret") as server:
        for path in ("/completion", "/v1/chat/completions", "/slots/-1?action=shower"):
            assert server.post(path, {"prompt": PROMPT, "drugs": {"A": 1}}).status == 401
        assert server.get("/slots").status == 401
        assert server.get("/metrics").status == 401
        assert server.get("/props").status == 401
        assert server.get("/").status == 200
        for file in PAGE.rglob("*.*"):
            assert server.get(f"/{file.relative_to(PAGE).as_posix()}").status == 200
        assert server.post("/slots/-1?action=shower", {}, **key).status == 200
        assert server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "drugs": {"A": 1}}, **key).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-b", "1"), "--batch-size is 1: give 4 or more"),
        (("-b", "1", "-np", "1"), "--batch-size is 1: give 2 or more"),
        (
            ("-b", "2"),
            "--batch-size is 2, too small for a token of each of 4 sequences (--parallel): give 4 or more, or",
        ),
        (
            ("-b", "5", "-np", "6"),
            "--batch-size is 5, too small for a token of each of 6 sequences (--parallel): give 6 or",
        ),
        (("-ub", "3", "--embedding"), "--ubatch-size is 3, too small for a token of each of 4 sequences"),
    ],
)
def test_a_batch_with_too_little_room_for_the_slots_is_named_before_a_model_is_loaded(
    options: tuple[str, ...], message: str
) -> None:
    done = run_drugs("serve", "-m", "there is no such model", *options)
    assert done.returncode == 1
    assert f"error: {message}" in done.stderr
    assert "no such model" not in done.stderr


def test_a_batch_with_a_token_for_each_slot_is_enough(tiny_model_path: str) -> None:
    for n in ("2", "3"):
        with Server("-m", tiny_model_path, *TINY, "-np", n, "-b", n, "-ub", "1") as server:
            assert text(server, {"A": 0.5, "seed": 1})
            wait_until(lambda: dirty(server) == 0)
