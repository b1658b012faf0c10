"""`drugs serve`: positions that were computed under a dose are showered or dropped, and never used again."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import built_by_make
from support.patience import wait_until
from support.program import Server
from support.serving import PROMPT, TINY, completion, dirty, metric, slots, sober_text, text, try_until
from support.tiny_architectures import tiny_models


def test_an_idle_slot_showers_itself(tiny_server: Server) -> None:
    wait_until(lambda: dirty(tiny_server) == 0)
    showers, showered = metric(tiny_server, "drugs_showers_total"), metric(tiny_server, "drugs_showered_tokens_total")
    completion(tiny_server, {"A": 0.5, "seed": 1}, n_predict=100, id_slot=0)
    wait_until(lambda: dirty(tiny_server) == 0)
    assert metric(tiny_server, "drugs_showers_total") == showers + 1
    assert metric(tiny_server, "drugs_showered_tokens_total") == showered + 99  # the last one was not fed back


@pytest.mark.parametrize("n_batch", ["2", "3", "40"])
def test_an_idle_slot_is_showered_in_batches_as_small_as_the_server_allows(tiny_model_path: str, n_batch: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "-np", "1", "-b", n_batch, "-ub", n_batch) as server:
        for n in (41, 100):
            completion(server, {"A": 0.5, "seed": 1}, n_predict=n, id_slot=0)
            wait_until(lambda: dirty(server) == 0)


def test_a_server_ends_in_the_middle_of_an_idle_shower(tiny_model_path: str) -> None:
    for _ in range(20):
        with Server("-m", tiny_model_path, *TINY, "-np", "1", "-b", "2", "-ub", "2") as server:
            completion(server, {"A": 0.5, "seed": 1}, n_predict=150)
        assert server.exit_status == 0


def test_what_follows_a_dosed_answer_is_as_if_it_had_been_sober(tiny_server: Server, tiny_model_path: str) -> None:
    """Showered or dropped: the next request gets no position that was computed under a dose."""
    dosed = text(tiny_server, {"A": 1, "V": 1, "seed": 1}, id_slot=1)
    expected = None
    with Server("-m", tiny_model_path, *TINY) as fresh:
        expected = sober_text(fresh, prompt=PROMPT + dosed)
    assert sober_text(tiny_server, prompt=PROMPT + dosed, id_slot=1) == expected  # possibly before the shower
    text(tiny_server, {"A": 1, "V": 1, "seed": 1}, id_slot=1)
    wait_until(lambda: dirty(tiny_server) == 0)
    after = completion(tiny_server, {"repeatable": True}, temperature=0, prompt=PROMPT + dosed, id_slot=1)
    assert after["content"] == expected
    assert after["timings"]["cache_n"] > len(PROMPT) + 1  # it was showered, so it could be used


def test_dirty_positions_are_dropped_when_there_is_no_time_to_shower(tiny_server: Server) -> None:
    prompt_tokens = len(tiny_server.post("/tokenize", {"content": PROMPT, "add_special": True}).json["tokens"])
    dosed = text(tiny_server, {"A": 1, "seed": 1}, id_slot=1)
    wait_until(lambda: dirty(tiny_server) == 0)
    expected = sober_text(tiny_server, prompt=PROMPT + dosed, id_slot=1)
    body = {"prompt": "w", "n_predict": 200, "stream": True, "id_slot": 0, "temperature": 0}

    def drop() -> bool:
        busy = tiny_server.stream("/completion", body)
        next(busy)
        text(tiny_server, {"A": 1, "seed": 1}, id_slot=1)
        n_dirty = slots(tiny_server)[1]["drugs"]["n_dirty"]
        after = completion(tiny_server, {}, temperature=0, prompt=PROMPT + dosed, id_slot=1)
        was_busy = slots(tiny_server)[0]["is_processing"]
        busy.close()  # type: ignore[attr-defined]
        assert after["content"] == expected
        if was_busy:
            assert n_dirty > 0
            assert after["timings"]["cache_n"] <= prompt_tokens
        return bool(was_busy)

    try_until(drop)


def test_a_slot_that_writes_can_be_showered(tiny_server: Server) -> None:
    body = {"prompt": PROMPT, "n_predict": 220, "stream": True, "id_slot": 3, "drugs": {"A": 0.5, "seed": 1}}

    def shower() -> bool:
        stream = tiny_server.stream("/completion", body)
        for _ in range(20):
            next(stream)
        before = slots(tiny_server)[3]["drugs"]["n_showers"]
        reported = tiny_server.post("/slots/3?action=shower").json
        showered = wait_for_shower(tiny_server, before)
        *_, last = stream
        assert last["stop"]
        return reported["n_pending"] > 0 and showered

    def wait_for_shower(server: Server, before: int) -> bool:
        """Whether the shower came before the text ended."""
        while slots(server)[3]["is_processing"]:
            if slots(server)[3]["drugs"]["n_showers"] > before:
                return True
        return False

    try_until(shower)
    assert tiny_server.post("/slots/-1?action=shower").status == 200
    assert dirty(tiny_server) == 0


@pytest.mark.parametrize(
    ("architecture", "option"),
    [("gemma3", "--no-repeatable"), ("gemma3", "--repeatable"), ("jamba", "--no-repeatable")],
)
def test_caches_that_forget_or_cannot_be_cut_are_showered_too(architecture: str, option: str) -> None:
    """A sliding window has lost the positions a shower would need first, and a recurrent state cannot go back."""
    prompt = [(7 * i * i + 3 * i + 5) % 120 + 3 for i in range(30)]
    fields = {"prompt": prompt, "n_predict": 60, "return_tokens": True, "ignore_eos": True, "id_slot": 0}
    with tiny_models(architecture, built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        path = str(next(path for path in paths if "dense" in path.name))
        with Server("-m", path, *TINY, option) as server, Server("-m", path, *TINY, option) as fresh:
            dosed = completion(server, {"A": 1, "seed": 1}, **fields)["tokens"]
            follow = {**fields, "prompt": prompt + dosed, "temperature": 0}
            expected = completion(fresh, {}, **follow)["tokens"]
            assert completion(server, {}, **follow)["tokens"] == expected  # possibly in the middle of a shower
            assert completion(server, {"A": 1, "seed": 1}, **fields)["tokens"] == dosed
            wait_until(lambda: dirty(server) == 0)
            assert completion(server, {}, **follow)["tokens"] == expected
            often = {"A": 1, "seed": 1, "sober_interval": 8}
            assert completion(server, often, **fields)["tokens"] == completion(fresh, often, **fields)["tokens"]
            completion(server, {"A": 1, "seed": 1, "dose_inputs": True}, **fields)
            wait_until(lambda: dirty(server) == 0)
            sober = {**fields, "temperature": 0}
            assert (
                completion(server, {}, **sober)["tokens"]
                == completion(fresh, {}, **sober, cache_prompt=False)["tokens"]
            )
            two = completion(
                server, {**often, "seed": 0}, **{**fields, "id_slot": -1}, n=2
            )  # to copy into the second slot
            assert two[1]["tokens"] == completion(fresh, often, **fields)["tokens"]


def test_drafts_change_no_text(tiny_server: Server, tiny_model_path: str) -> None:
    doses: list[dict[str, Any]] = [{"A": 0.5, "seed": 1}, {"K": 0.4, "V": 0.4, "seed": 2}]
    doses += [{**doses[0], "sober_interval": 16}, {**doses[0], "dose_inputs": True}, {**doses[0], "sink": 24}]
    options = ("-md", tiny_model_path, "--spec-type", "draft-simple", "--spec-draft-n-max", "4")
    with Server("-m", tiny_model_path, *TINY, *options) as drafting:
        for dose in doses:
            answer = completion(drafting, dose, n_predict=80)
            assert answer["timings"]["draft_n_accepted"] > 0
            assert answer["content"] == text(tiny_server, dose, n_predict=80)
            follow = {"prompt": PROMPT + answer["content"], "n_predict": 8}
            assert sober_text(drafting, **follow) == sober_text(tiny_server, cache_prompt=False, **follow)


def test_drafts_that_reach_across_the_sink_are_dirty_after_it(tiny_server: Server, tiny_model_path: str) -> None:
    options = ("-md", tiny_model_path, "--spec-type", "draft-simple", "--spec-draft-n-max", "4")

    def logprobs(server: Server, prompt: str) -> list[float]:
        answer = completion(server, {}, prompt=prompt, temperature=0, n_predict=2, n_probs=1)
        return [token["logprob"] for token in answer["completion_probabilities"]]

    with Server("-m", tiny_model_path, *TINY, *options) as drafting:
        for sink in range(20, 28):
            dose = {"A": 1, "pV": 1, "seed": sink, "sink": sink}
            written = PROMPT + text(drafting, dose, n_predict=16)
            wait_until(lambda: dirty(drafting) == 0)
            assert logprobs(drafting, written) == pytest.approx(logprobs(tiny_server, written), abs=1e-3)


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
def test_an_unknown_slot_is_named(tiny_server: Server, id_slot: str) -> None:
    refused = tiny_server.post(f"/slots/{id_slot}?action=shower")
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
