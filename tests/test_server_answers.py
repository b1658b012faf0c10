"""`drugs serve`: the doses in answers of every format, and the doses from the server's options."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.patience import wait_until
from support.program import Server
from support.serving import PROMPT, TINY, completion, dirty, slots, sober_text, text

MESSAGES = [{"role": "user", "content": "Name a colour."}]


#
# formats
#


def test_every_format_says_what_made_the_answer(real_server: Server) -> None:
    dose = {"A": 0.3, "seed": 5}
    chat = {"messages": MESSAGES, "max_tokens": 8, "drugs": dose}
    places: list[tuple[str, dict[str, Any], Callable[[Any], Any]]] = [
        ("/completion", {"prompt": PROMPT, "n_predict": 8, "drugs": dose}, lambda answer: answer),
        ("/v1/completions", {"prompt": PROMPT, "max_tokens": 8, "drugs": dose}, lambda answer: answer["choices"][0]),
        ("/v1/chat/completions", chat, lambda answer: answer["choices"][0]),
        ("/v1/messages", chat, lambda answer: answer),
        ("/v1/responses", {"input": MESSAGES, "max_output_tokens": 8, "drugs": dose}, lambda answer: answer),
    ]
    for path, body, place in places:
        answer = real_server.post(path, body)
        assert answer.status == 200, (path, answer.text)
        found = place(answer.json)["drugs"]
        assert (found["A"], found["seed"]) == (0.3, 5), path
        assert "drugs" not in place(real_server.post(path, {**body, "drugs": {}}).json), path


def test_infill_says_what_made_the_answer(tiny_server: Server) -> None:
    body = {
        "input_prefix": "def add(a, b):",
        "input_suffix": "return c",
        "n_predict": 24,
        "drugs": {"A": 0.5, "seed": 7},
    }
    first, again = (tiny_server.post("/infill", body).json for _ in range(2))
    assert (first["drugs"]["A"], first["drugs"]["seed"]) == (0.5, 7)
    assert first["content"] == again["content"]
    sober = tiny_server.post("/infill", {**body, "drugs": {}, "temperature": 0}).json
    assert first["content"] != sober["content"]
    assert tiny_server.post("/infill", {**body, "drugs": {"Z": 1}}).status == 400


def test_every_stream_says_what_made_the_answer(real_server: Server) -> None:
    dose = {"A": 0.3, "seed": 5}
    chat = {"messages": MESSAGES, "max_tokens": 8, "stream": True, "drugs": dose}
    usage = {"stream_options": {"include_usage": True}}
    for path, body in (
        ("/completion", {"prompt": PROMPT, "n_predict": 8, "stream": True, "drugs": dose}),
        ("/v1/completions", {"prompt": PROMPT, "max_tokens": 8, "stream": True, "drugs": dose}),
        ("/v1/chat/completions", chat),
        ("/v1/chat/completions", {**chat, **usage}),
        ("/v1/messages", chat),
        ("/v1/responses", {"input": MESSAGES, "max_output_tokens": 8, "stream": True, "drugs": dose}),
    ):
        events = [json.dumps(event) for event in real_server.stream(path, body)]
        assert sum('"seed": 5' in event for event in events) == 1, path
        assert '"A": 0.3' in next(event for event in events if '"seed": 5' in event)


def test_a_stream_is_the_same_text(tiny_server: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 24, "drugs": {"A": 0.5, "seed": 7}, "stream": True}
    assert "".join(event["content"] for event in tiny_server.stream("/completion", body)) == text(
        tiny_server, {"A": 0.5, "seed": 7}
    )


#
# what the server was started with
#


def test_options_give_the_default_and_a_cap(tiny_model_path: str) -> None:
    options = ("--dose", "A=0.5", "--dose-seed", "7", "--dose-max", "0.6")
    with Server("-m", tiny_model_path, *TINY, *options) as server:
        default = completion(server)
        assert (default["drugs"]["A"], default["drugs"]["seed"]) == (0.5, 7)
        assert default["content"] == text(server, {"A": 0.5, "seed": 7})
        assert "drugs" not in completion(server, {})
        assert completion(server, {"Q": 0.1})["drugs"].get("A") is None
        assert completion(server, {"Q": 0.1})["drugs"]["seed"] == 7
        assert server.get("/props").json["drugs"]["dose_max"] == 0.6
        for drugs in (
            {"A": 0.61},
            {"A": 0.4, "multiplier": 2},
            {"A": 0.1, "shape": {"A": [{"depth": 0, "peakratio": 7}]}},
        ):
            refused = server.post("/completion", {"prompt": PROMPT, "drugs": drugs})
            assert refused.status == 400
            assert "this server allows 0.6 at most" in refused.error


def test_a_default_above_the_cap_does_not_start(tiny_model_path: str) -> None:
    with (
        pytest.raises(RuntimeError, match=r"allows 0\.1 at most"),
        Server("-m", tiny_model_path, "--dose", "A=1", "--dose-max", "0.1"),
    ):
        pass


def test_a_server_of_several_models_gives_each_the_doses(tiny_model_path: str, tmp_path: Path) -> None:
    (tmp_path / "one.gguf").symlink_to(tiny_model_path)
    options = ("--models-dir", str(tmp_path), "-c", "256", "--dose", "A=0.5", "--dose", "Q=0.1", "--dose-seed", "7")
    with Server(*options) as router:
        default = completion(router, model="one")["drugs"]
        assert (default["A"], default["Q"], default["seed"]) == (0.5, 0.1, 7)
        assert completion(router, {"V": 0.2, "seed": 1}, model="one")["drugs"]["V"] == 0.2
        assert router.post("/completion", {"prompt": PROMPT, "model": "one", "drugs": {"Z": 1}}).status == 400
        assert router.post("/slots/-1?action=shower", {"model": "one"}).status == 200


def test_what_another_slot_is_given_from_the_prompt_cache_is_sober(tiny_model_path: str) -> None:
    """With one slot, a waiting task takes it at once, and its contents go to the prompt cache unshowered."""
    with Server("-m", tiny_model_path, *TINY[4:], "-c", "256", "-np", "1") as server, ThreadPoolExecutor(2) as pool:
        dosed = text(server, {"A": 1, "V": 1, "seed": 1})
        wait_until(lambda: dirty(server) == 0)
        expected = sober_text(server, prompt=PROMPT + dosed, cache_prompt=False)
        first = pool.submit(text, server, {"A": 1, "V": 1, "seed": 1})
        other = pool.submit(text, server, {}, prompt="An entirely different beginning of another text", temperature=0)
        assert (first.result(), bool(other.result())) == (dosed, True)
        assert sober_text(server, prompt=PROMPT + dosed) == expected


def test_props_and_slots_report_doses(tiny_server: Server) -> None:
    reported = tiny_server.get("/props").json["drugs"]
    assert reported["sites"]["isotropic"] == ["H", "Q", "K", "V", "A", "pK", "pV", "M"]
    assert reported["n_layer"] == 3
    assert reported["dosage"] == {}
    assert reported["dose_max"] is None
    completion(tiny_server, {"V": 0.25, "seed": 3}, id_slot=2)
    slot = slots(tiny_server)[2]["drugs"]
    assert (slot["dosage"]["V"], slot["dosage"]["seed"]) == (0.25, 3)
