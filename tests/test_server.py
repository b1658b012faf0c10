"""`drugs serve`: doses in requests, over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_cpp import GGML_TYPE_F32

import drugs_cpp
from conftest import built_by_make
from drugs_cpp import DRUGS
from program import Answer, Server, run_drugs
from tiny_architectures import tiny_models

PROMPT = "Once upon a time"
MESSAGES = [{"role": "user", "content": "Name a colour."}]
RAMP = {"points": [{"depth": 0.2, "peakratio": 0}, {"depth": 0.7, "peakratio": 1}], "mode": "ceil"}

#: in float32, also in the cache, neither the batch nor its companions show in a text
TINY = ("-c", "1024", "-np", "4", "-fa", "off", "-ctk", "f32", "-ctv", "f32", "--metrics", "--slots")


@pytest.fixture(scope="module")
def tiny(tiny_model_path: str) -> Iterator[Server]:
    with Server("-m", tiny_model_path, *TINY) as server:
        yield server


@pytest.fixture(scope="module")
def real(model_path: str) -> Iterator[Server]:
    with Server("-m", model_path, "-c", "4096", "-np", "4") as server:
        yield server


def completion(server: Server, drugs: object = None, **fields: Any) -> Any:
    body = {"prompt": PROMPT, "n_predict": 24, **({} if drugs is None else {"drugs": drugs}), **fields}
    answer = server.post("/completion", body)
    assert answer.status == 200, answer.text
    return answer.json


def text(server: Server, drugs: object = None, **fields: Any) -> str:
    return str(completion(server, drugs, **fields)["content"])


def sober_text(server: Server, **fields: Any) -> str:
    return text(server, {}, temperature=0, **fields)


def slots(server: Server) -> list[Any]:
    return list(server.get("/slots").json)


def dirty(server: Server) -> int:
    return sum(slot["drugs"]["n_dirty"] for slot in slots(server))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


#
# what a dose does
#


def test_a_seed_is_a_text_and_the_answer_says_it(tiny: Server) -> None:
    answer = completion(tiny, {"A": 0.5, "seed": 7})
    assert answer["drugs"]["A"] == 0.5
    assert answer["drugs"]["seed"] == 7
    assert answer["content"] == text(tiny, {"A": 0.5, "seed": 7})
    assert answer["content"] == text(tiny, answer["drugs"])
    assert answer["content"] != text(tiny, {"A": 0.5, "seed": 8})
    assert answer["content"] != sober_text(tiny)


def test_it_writes_what_python_writes(tiny: Server, tiny_model_path: str) -> None:
    shape = {"K": {"points": [{"depth": 0, "peakratio": 1}, {"depth": 1, "peakratio": 0.2}], "mode": "interpolate"}}
    for dose, rate in (
        ({"A": 0.5}, 420),
        ({"A": 0.5, "Q": 0.3, "K": 0.4, "shape": shape}, 420),
        ({"A": 0.5, "pV": 0.5}, 8),
    ):
        drugs = DRUGS(seed=3)
        for site in set(dose) - {"shape"}:
            drugs.set_dose_theta(dose[site], site)  # type: ignore[arg-type]
        if "shape" in dose:
            drugs.set_K_dose_shape(shape["K"]["points"], "interpolate")  # type: ignore[arg-type]
        llm = drugs_cpp.Llama(
            tiny_model_path, n_ctx=256, verbose=False, drugs=drugs, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32
        )
        llm.set_sobering_rate(rate)
        answer: Any = llm.create_completion(PROMPT, max_tokens=40, temperature=0)
        expected = answer["choices"][0]["text"]
        llm.close()
        assert text(tiny, {**dose, "seed": 3, "sober_interval": rate}, n_predict=40) == expected
        assert text(tiny, {**drugs.to_dict(), "sober_interval": rate}, n_predict=40) == expected


def test_without_a_seed_each_answer_draws_one(tiny: Server) -> None:
    answers = [completion(tiny, {"A": 0.5}) for _ in range(3)]
    assert len({answer["drugs"]["seed"] for answer in answers}) == 3
    assert len({answer["content"] for answer in answers}) > 1
    for answer in answers:
        assert text(tiny, {"A": 0.5, "seed": answer["drugs"]["seed"]}) == answer["content"]


def test_a_seed_of_minus_one_is_a_fresh_one(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "--dose", "A=0.5", "--dose-seed", "5", "-s", "6") as server:
        assert completion(server)["drugs"]["seed"] == 5
        assert completion(server, {"A": 0.5, "seed": None})["drugs"]["seed"] == 5
        assert completion(server, {"A": 0.5}, seed=7)["drugs"]["seed"] == 7
        assert len({completion(server, {"A": 0.5, "seed": -1}, seed=7)["drugs"]["seed"] for _ in range(3)}) == 3


def test_a_dosed_prompt_is_the_same_one_when_it_is_asked_again(tiny: Server) -> None:
    dose = {"A": 1, "seed": 1, "inputs": True}
    first = completion(tiny, dose, id_slot=0)
    wait_until(lambda: dirty(tiny) == 0)
    again = completion(tiny, dose, id_slot=0)
    assert again["content"] == first["content"]
    assert again["timings"]["cache_n"] <= 6  # the sink


def test_the_seed_of_the_request_is_that_of_the_noise(tiny: Server) -> None:
    assert text(tiny, {"A": 0.5}, seed=7) == text(tiny, {"A": 0.5, "seed": 7})
    assert completion(tiny, {"A": 0.5, "seed": 7}, seed=9)["drugs"]["seed"] == 7


def test_a_dosed_answer_is_greedy_unless_a_sampler_is_asked_for(tiny: Server) -> None:
    dose = {"A": 0.2, "seed": 7}
    assert text(tiny, dose, seed=1) == text(tiny, dose, seed=2)
    assert text(tiny, dose, seed=1, temperature=2, min_p=0) != text(tiny, dose, seed=2, temperature=2, min_p=0)
    assert completion(tiny, dose)["generation_settings"]["temperature"] == 0
    assert completion(tiny, {})["generation_settings"]["temperature"] == pytest.approx(0.8)


def test_the_prompt_is_dosed_on_request(tiny: Server) -> None:
    firsts = [text(tiny, {"A": 1, "seed": seed, "inputs": True}, n_predict=1) for seed in range(8)]
    assert len(set(firsts)) > 1
    assert {text(tiny, {"A": 1, "seed": seed}, n_predict=1) for seed in range(8)} == {sober_text(tiny, n_predict=1)}


def test_one_batch_holds_different_doses_and_none_changes_another(tiny: Server) -> None:
    doses: list[dict[str, Any]] = [
        {},
        {"A": 0.5, "seed": 1},
        {"K": 0.5, "V": 0.5, "seed": 2},
        {"H": 0.3, "pK": 0.3, "seed": 3, "noise": "reference"},
    ]
    alone = [text(tiny, dose, temperature=0, n_predict=64) for dose in doses]
    assert len(set(alone)) == len(doses)
    n_decode = metric(tiny, "n_decode_total")
    with ThreadPoolExecutor(len(doses)) as pool:
        together = list(pool.map(lambda dose: text(tiny, dose, temperature=0, n_predict=64), doses))
    assert together == alone
    assert metric(tiny, "n_decode_total") - n_decode < 3 * 64  # in common batches, not one after the other


def test_a_cached_prompt_changes_no_number_of_a_dosed_answer(model_path: str, tmp_path: Path) -> None:
    """In half precision a token alone is rounded otherwise than in a batch."""
    path = str(tmp_path / "f16.gguf")
    assert run_drugs("quantize", "--allow-requantize", model_path, path, "f16").returncode == 0
    prompt = "The keeper of the lighthouse found a door behind the lamp, and told nobody about it until winter came."
    with Server("-m", path, "-c", "1024", "-np", "2") as server:

        def probabilities(**fields: Any) -> Any:
            fields = {"prompt": prompt, "n_probs": 3, "id_slot": 0, **fields}
            return completion(server, {"A": 0.3, "seed": 5}, **fields)["completion_probabilities"]

        fresh = probabilities(cache_prompt=False)
        for _ in range(2):
            wait_until(lambda: dirty(server) == 0)
            assert probabilities() == fresh


#
# several answers
#


@pytest.mark.parametrize("inputs", [False, True])
def test_n_gives_consecutive_seeds_and_their_texts(tiny: Server, inputs: bool) -> None:
    dose = {"A": 0.5, "seed": 4294967293, "inputs": inputs}
    answer = tiny.post("/v1/completions", {"prompt": PROMPT, "max_tokens": 24, "n": 3, "drugs": dose}).json
    choices = sorted(answer["choices"], key=lambda choice: choice["index"])
    assert [choice["drugs"]["seed"] for choice in choices] == [4294967293, 4294967294, 0]
    for choice in choices:
        assert choice["text"] == text(tiny, {**dose, "seed": choice["drugs"]["seed"]})


def test_n_and_several_prompts_in_the_server_s_own_format(tiny: Server) -> None:
    answers = completion(tiny, {"A": 0.5, "seed": 3}, prompt=[PROMPT, "Now"], n=2)
    assert [answer["drugs"]["seed"] for answer in answers] == [3, 4, 3, 4]
    assert answers[3]["content"] == text(tiny, {"A": 0.5, "seed": 4}, prompt="Now")


#
# formats
#


def test_every_format_says_what_made_the_answer(real: Server) -> None:
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
        answer = real.post(path, body)
        assert answer.status == 200, (path, answer.text)
        found = place(answer.json)["drugs"]
        assert (found["A"], found["seed"]) == (0.3, 5), path
        assert "drugs" not in place(real.post(path, {**body, "drugs": {}}).json), path


def test_every_stream_says_what_made_the_answer(real: Server) -> None:
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
        events = [json.dumps(event) for event in real.stream(path, body)]
        assert sum('"seed": 5' in event for event in events) == 1, path
        assert '"A": 0.3' in next(event for event in events if '"seed": 5' in event)


def test_a_stream_is_the_same_text(tiny: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 24, "drugs": {"A": 0.5, "seed": 7}, "stream": True}
    assert "".join(event["content"] for event in tiny.stream("/completion", body)) == text(tiny, {"A": 0.5, "seed": 7})


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
    """With one slot, a task that waits takes it at once, and what was there goes to the prompt cache unshowered."""
    with Server("-m", tiny_model_path, *TINY[4:], "-c", "256", "-np", "1") as server, ThreadPoolExecutor(2) as pool:
        dosed = text(server, {"A": 1, "V": 1, "seed": 1})
        wait_until(lambda: dirty(server) == 0)
        expected = sober_text(server, prompt=PROMPT + dosed, cache_prompt=False)
        first = pool.submit(text, server, {"A": 1, "V": 1, "seed": 1})
        other = pool.submit(text, server, {}, prompt="An entirely different beginning of another text", temperature=0)
        assert (first.result(), bool(other.result())) == (dosed, True)
        assert sober_text(server, prompt=PROMPT + dosed) == expected


def test_props_and_slots_tell_of_doses(tiny: Server) -> None:
    told = tiny.get("/props").json["drugs"]
    assert told["sites"]["isotropic"] == ["H", "Q", "K", "V", "A", "pK", "pV"]
    assert told["n_layer"] == 3
    assert told["dosage"] == {}
    assert told["dose_max"] is None
    completion(tiny, {"V": 0.25, "seed": 3}, id_slot=2)
    slot = slots(tiny)[2]["drugs"]
    assert (slot["dosage"]["V"], slot["dosage"]["seed"]) == (0.25, 3)


#
# dirty positions
#


def metric(server: Server, name: str) -> int:
    lines = server.get("/metrics").text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"llamacpp:{name} ")))


def test_an_idle_slot_showers_itself(tiny: Server) -> None:
    wait_until(lambda: dirty(tiny) == 0)
    showers, showered = metric(tiny, "drugs_showers_total"), metric(tiny, "drugs_showered_tokens_total")
    completion(tiny, {"A": 0.5, "seed": 1}, n_predict=100, id_slot=0)
    wait_until(lambda: dirty(tiny) == 0)
    assert metric(tiny, "drugs_showers_total") == showers + 1
    assert metric(tiny, "drugs_showered_tokens_total") == showered + 99  # the last one was not fed back


def test_what_follows_a_dosed_answer_is_as_if_it_had_been_sober(tiny: Server, tiny_model_path: str) -> None:
    """Showered or dropped: the next request gets no position that was computed under a dose."""
    dosed = text(tiny, {"A": 1, "V": 1, "seed": 1}, id_slot=1)
    expected = None
    with Server("-m", tiny_model_path, *TINY) as fresh:
        expected = sober_text(fresh, prompt=PROMPT + dosed)
    assert sober_text(tiny, prompt=PROMPT + dosed, id_slot=1) == expected  # perhaps before the shower
    text(tiny, {"A": 1, "V": 1, "seed": 1}, id_slot=1)
    wait_until(lambda: dirty(tiny) == 0)
    after = completion(tiny, {}, temperature=0, prompt=PROMPT + dosed, id_slot=1)
    assert after["content"] == expected
    assert after["timings"]["cache_n"] > len(PROMPT) + 1  # showered, so that it could be used


def test_dirty_positions_are_dropped_when_there_is_no_time_to_shower(tiny: Server) -> None:
    prompt_tokens = len(tiny.post("/tokenize", {"content": PROMPT, "add_special": True}).json["tokens"])
    dosed = text(tiny, {"A": 1, "seed": 1}, id_slot=1)
    wait_until(lambda: dirty(tiny) == 0)
    expected = sober_text(tiny, prompt=PROMPT + dosed, id_slot=1)
    body = {"prompt": "w", "n_predict": 200, "stream": True, "id_slot": 0, "temperature": 0}
    busy = tiny.stream("/completion", body)
    next(busy)  # so that the server is not idle
    text(tiny, {"A": 1, "seed": 1}, id_slot=1)
    assert slots(tiny)[1]["drugs"]["n_dirty"] > 0
    after = completion(tiny, {}, temperature=0, prompt=PROMPT + dosed, id_slot=1)
    assert after["timings"]["cache_n"] <= prompt_tokens
    assert after["content"] == expected
    busy.close()  # type: ignore[attr-defined]


def test_a_shower_can_be_asked_for_while_it_writes(tiny: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 220, "stream": True, "id_slot": 3, "drugs": {"A": 0.5, "seed": 1}}
    stream = tiny.stream("/completion", body)
    for _ in range(40):
        next(stream)
    before = slots(tiny)[3]["drugs"]["n_showers"]
    told = tiny.post("/slots/3?action=shower").json
    assert told["n_pending"] > 0
    next(stream)
    wait_until(lambda: slots(tiny)[3]["drugs"]["n_showers"] > before)
    events = list(stream)
    assert events[-1]["stop"]
    assert tiny.post("/slots/-1?action=shower").status == 200
    assert dirty(tiny) == 0


@pytest.mark.parametrize("architecture", ["gemma3", "jamba"])
def test_caches_that_forget_or_cannot_be_cut_are_showered_too(architecture: str) -> None:
    """A sliding window has lost what a shower would begin with, and a recurrent state cannot go back."""
    prompt = [(7 * i * i + 3 * i + 5) % 120 + 3 for i in range(30)]
    fields = {"prompt": prompt, "n_predict": 60, "return_tokens": True, "ignore_eos": True, "id_slot": 0}
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        path = str(next(path for path in paths if "dense" in path.name))
        with Server("-m", path, *TINY) as server, Server("-m", path, *TINY) as fresh:
            dosed = completion(server, {"A": 1, "seed": 1}, **fields)["tokens"]
            follow = {**fields, "prompt": prompt + dosed, "temperature": 0}
            expected = completion(fresh, {}, **follow)["tokens"]
            assert completion(server, {}, **follow)["tokens"] == expected  # perhaps in the middle of a shower
            assert completion(server, {"A": 1, "seed": 1}, **fields)["tokens"] == dosed
            wait_until(lambda: dirty(server) == 0)
            assert completion(server, {}, **follow)["tokens"] == expected
            often = {"A": 1, "seed": 1, "sober_interval": 8}
            assert completion(server, often, **fields)["tokens"] == completion(fresh, often, **fields)["tokens"]
            completion(server, {"A": 1, "seed": 1, "inputs": True}, **fields)
            wait_until(lambda: dirty(server) == 0)
            sober = {**fields, "temperature": 0}
            assert (
                completion(server, {}, **sober)["tokens"]
                == completion(fresh, {}, **sober, cache_prompt=False)["tokens"]
            )
            two = completion(
                server, {**often, "seed": 0}, **{**fields, "id_slot": -1}, n=2
            )  # the second slot is copied into
            assert two[1]["tokens"] == completion(fresh, often, **fields)["tokens"]


def test_drafts_change_no_text(tiny: Server, tiny_model_path: str) -> None:
    doses: list[dict[str, Any]] = [{"A": 0.5, "seed": 1}, {"K": 0.4, "V": 0.4, "seed": 2}]
    doses += [{**doses[0], "sober_interval": 16}, {**doses[0], "inputs": True}, {**doses[0], "sink": 24}]
    options = ("-md", tiny_model_path, "--spec-type", "draft-simple", "--spec-draft-n-max", "4")
    with Server("-m", tiny_model_path, *TINY, *options) as drafting:
        for dose in doses:
            answer = completion(drafting, dose, n_predict=80)
            assert answer["timings"]["draft_n_accepted"] > 0
            assert answer["content"] == text(tiny, dose, n_predict=80)
            follow = {"prompt": PROMPT + answer["content"], "n_predict": 8}
            assert sober_text(drafting, **follow) == sober_text(tiny, cache_prompt=False, **follow)


def test_samplers_in_the_graph_live_with_doses(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "--backend-sampling") as server:
        fields = {"temperature": 1, "backend_sampling": True, "seed": 3}
        assert text(server, {"A": 0.5, "seed": 1}, **fields) == text(server, {"A": 0.5, "seed": 1}, **fields)
        assert text(server, {"A": 0.5, "seed": 1}, **fields) != text(server, {"A": 0.5, "seed": 2}, **fields)


def test_a_context_that_is_full_is_shifted(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY[2:], "-c", "256", "-np", "1", "--context-shift") as server:
        answer = completion(server, {"A": 0.5, "seed": 1, "sober_interval": 50}, n_predict=400, ignore_eos=True)
        assert answer["truncated"]
        assert answer["tokens_predicted"] == 400
        wait_until(lambda: dirty(server) == 0)
        assert slots(server)[0]["drugs"]["n_showers"] > 5


@pytest.mark.parametrize("id_slot", ["4", "-2", "x", "1.5", "999999999999999999999"])
def test_an_unknown_slot_is_named(tiny: Server, id_slot: str) -> None:
    refused = tiny.post(f"/slots/{id_slot}?action=shower")
    assert refused.status == 400
    assert f"'{id_slot}'" in refused.error


def test_a_saved_slot_is_sober(tiny_model_path: str, tmp_path: Any) -> None:
    with Server("-m", tiny_model_path, *TINY, "--slot-save-path", str(tmp_path)) as server:
        dosed = text(server, {"A": 1, "seed": 1}, id_slot=1)
        assert server.post("/slots/1?action=save", {"filename": "slot.bin"}).status == 200
        assert slots(server)[1]["drugs"]["n_dirty"] == 0
        expected = sober_text(server, prompt=PROMPT + dosed, cache_prompt=False, id_slot=0)
        assert server.post("/slots/2?action=restore", {"filename": "slot.bin"}).status == 200
        restored = completion(server, {}, temperature=0, prompt=PROMPT + dosed, id_slot=2)
        assert restored["timings"]["cache_n"] > 20
        assert restored["content"] == expected


#
# mistakes, and safety
#


@pytest.mark.parametrize(
    ("drugs", "message"),
    [
        (7, "the value is 7: give an object"),
        ([], "the value is []"),
        ({"X": 1}, 'unknown name "X"'),
        ({"a": 0.1}, 'unknown name "a"'),
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
        ({"A": 0.1, "inputs": 1}, "inputs is 1: give true or false"),
        ({"multiplier": -1}, "the dose multiplier is -1"),
    ],
)
def test_a_bad_value_is_a_400_that_names_it(tiny: Server, drugs: object, message: str) -> None:
    for path, body in (("/completion", {"prompt": PROMPT}), ("/v1/completions", {"prompt": PROMPT, "stream": True})):
        refused = tiny.post(path, {**body, "drugs": drugs})
        assert refused.status == 400
        assert refused.error.startswith("Field 'drugs': ")
        assert message in refused.error
    assert tiny.is_alive


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"prompt": "x", "drugs": {"A": NaN}}', b'{"prompt": "x", "drugs": {"A": 1e999}}', b"\xff\xfe"]
)
def test_malformed_json_is_a_400(tiny: Server, body: bytes) -> None:
    for path in ("/completion", "/v1/completions", "/v1/chat/completions"):
        refused: Answer = tiny.post(path, body)
        assert refused.status == 400, refused.text
        assert refused.error


def test_null_means_the_default(tiny: Server) -> None:
    assert "drugs" not in tiny.post("/completion", {"prompt": PROMPT, "n_predict": 2, "drugs": None}).json


def test_a_client_that_hangs_up_frees_its_slot(tiny: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 240, "stream": True, "drugs": {"A": 0.5}}
    streams = [tiny.stream("/completion", {**body, "id_slot": slot}) for slot in range(4)]
    for stream in streams:
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    wait_until(lambda: not any(slot["is_processing"] for slot in slots(tiny)))
    wait_until(lambda: dirty(tiny) == 0)
    assert text(tiny, {"A": 0.5, "seed": 1}) == text(tiny, {"A": 0.5, "seed": 1})


def test_the_api_key_protects_all_but_the_page(tiny_model_path: str) -> None:
    key = {"Authorization": "Bearer secret"}
    with Server("-m", tiny_model_path, *TINY, "--api-key", "secret") as server:
        for path in ("/completion", "/v1/chat/completions", "/slots/-1?action=shower"):
            assert server.post(path, {"prompt": PROMPT, "drugs": {"A": 1}}).status == 401
        assert server.get("/slots").status == 401
        assert server.get("/metrics").status == 401
        assert server.get("/props").status == 401
        assert server.get("/").status == 200
        assert server.post("/slots/-1?action=shower", {}, **key).status == 200
        assert server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "drugs": {"A": 1}}, **key).status == 200
