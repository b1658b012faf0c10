"""`drugs serve`: a dosed answer is bit for bit the same, whatever else the server does and whatever its options."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import built_by_make
from support.patience import wait_until
from support.program import Server, run_drugs
from support.quantized import write_quantized_model
from support.serving import PROMPT, completion, dirty, metric, try_until
from support.tiny_architectures import tiny_models

STORY = "The keeper of the lighthouse found a door behind the lamp, and told nobody about it."

#: the tokens of the story: one per character, one for the beginning, and one for the space that is put before it
N_PROMPT = len(STORY) + 2

DOSES: list[dict[str, Any]] = [
    {"A": 0.4, "seed": 1},
    {"K": 0.5, "V": 0.5, "seed": 2, "sober_interval": 11},
    {"H": 0.2, "pK": 0.2, "pV": 0.3, "seed": 3, "dose_inputs": True},
    {"K": 0.5, "seed": 4},
    {"V": 0.5, "seed": 5},
]

#: one slot and thread, and prompts in one piece; all other servers are compared with this one
ALONE = ("-np", "1", "-t", "1", "-c", "512", "--metrics", "--slots")

#: the usual slots, two threads, and prompts in small pieces
IN_COMPANY = ("-t", "2", "-b", "24", "-ub", "7", "-c", "512", "--metrics", "--slots")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture(scope="module")
def path(models: Path) -> str:
    return str(write_quantized_model(models, "Q4_K"))


@pytest.fixture(scope="module")
def server(path: str) -> Iterator[Server]:
    with Server("-m", path, *IN_COMPANY) as server:
        yield server


@pytest.fixture(scope="module")
def alone(path: str) -> Iterator[Server]:
    with Server("-m", path, *ALONE) as server:
        yield server


def numbers(server: Server, drugs: object, **fields: Any) -> Any:
    """The tokens of an answer, and the probabilities of each and of its competitors."""
    return answer(server, drugs, **fields)["completion_probabilities"]


def answer(server: Server, drugs: object, **fields: Any) -> Any:
    usual = {"prompt": STORY, "n_predict": 24, "n_probs": 3, "ignore_eos": True, "temperature": 0}
    return completion(server, drugs, **{**usual, **fields})


def n_cached(of: Any) -> int:
    return int(of["timings"]["cache_n"])


#
# what an answer does not depend on
#


def answers_in_company(server: Server, n_others: int) -> list[Any]:
    """An answer for each of the doses, while other requests come and go, dosed and sober, short and long."""
    others = itertools.cycle([{}, {"A": 0.3, "seed": 8}, {}, {"pK": 0.3, "seed": 9, "dose_inputs": True}])
    with ThreadPoolExecutor(len(DOSES) + n_others) as pool:
        company = [
            pool.submit(answer, server, dose, prompt=STORY[: 7 * i + 3], n_predict=5 * i + 2)
            for i, dose in enumerate(itertools.islice(others, 2 * n_others))
        ]
        ours = [pool.submit(numbers, server, dose, cache_prompt=False) for dose in DOSES]
        for other in company:
            other.result()
        return [future.result() for future in ours]


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "F16", "BF16"])
def test_neither_company_nor_the_cut_of_a_prompt_nor_threads_change_a_bit(models: Path, kind: str) -> None:
    path = str(write_quantized_model(models, kind))
    with Server("-m", path, *ALONE) as alone:
        expected = [numbers(alone, dose) for dose in DOSES]
    with Server("-m", path, *IN_COMPANY) as server:

        def share_batches() -> bool:
            n_decode, n_tokens = metric(server, "n_decode_total"), metric(server, "tokens_predicted_total")
            assert answers_in_company(server, n_others=5) == expected
            return metric(server, "tokens_predicted_total") - n_tokens > 1.2 * (
                metric(server, "n_decode_total") - n_decode
            )

        try_until(share_batches)
        for dose, numbers_alone in zip(DOSES, expected):
            assert numbers(server, dose, id_slot=0) == numbers_alone  # possibly with a cached prompt
            answer(server, {}, id_slot=0, prompt=STORY + " Then", n_predict=3)
            assert numbers(server, dose, id_slot=0) == numbers_alone


@pytest.mark.parametrize(
    "options", [("-np", "2", "-ub", "3"), ("-fa", "off"), ("-ctk", "q8_0", "-ctv", "q8_0"), ("-np", "9")]
)
def test_whatever_the_cache(path: str, options: tuple[str, ...]) -> None:
    cache = () if options[0] in ("-np",) else options
    with Server("-m", path, *ALONE, *cache) as alone:
        expected = [numbers(alone, dose) for dose in DOSES]
    n_ctx = ("-c", "2304")
    with Server("-m", path, *IN_COMPANY, *n_ctx, *options) as server:
        for n_others in (1, 8):
            assert answers_in_company(server, n_others) == expected


def test_sober_answers_are_repeatable_on_request(server: Server, alone: Server, path: str) -> None:
    with Server("-m", path, *IN_COMPANY, "--repeatable") as always:
        for dose in ({}, {"repeatable": True}):
            expected = answer(alone, {"repeatable": True})
            assert expected["drugs"] == {"repeatable": True}
            assert numbers(server, {"repeatable": True}) == expected["completion_probabilities"]
            told = answer(always, dose)
            assert (told["completion_probabilities"], told["drugs"]) == (
                expected["completion_probabilities"],
                {"repeatable": True},
            )
        assert "drugs" not in answer(always, {"repeatable": False})
        assert always.get("/props").json["drugs"]["repeatable"] == "always"
    assert "drugs" not in answer(server, {})


def test_several_answers_to_a_prompt_are_what_each_is_alone(server: Server, alone: Server) -> None:
    for inputs in (False, True):
        dose = {"A": 0.4, "dose_inputs": inputs}
        answers = answer(server, {**dose, "seed": 1}, n=3)
        for seed, one in enumerate(answers, start=1):
            assert one["completion_probabilities"] == numbers(alone, {**dose, "seed": seed})


@pytest.mark.parametrize("options", [(), ("-ub", "5")])
def test_a_sliding_window_changes_nothing(options: tuple[str, ...]) -> None:
    """A prompt longer than the window, of 8 tokens."""
    prompt = [(7 * i * i + 3 * i + 5) % 120 + 3 for i in range(70)]
    with tiny_models("gemma3", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        path = str(next(path for path in paths if "dense" in path.name))
        with Server("-m", path, *ALONE) as alone, Server("-m", path, *IN_COMPANY, *options) as server:
            expected = [numbers(alone, dose, prompt=prompt, cache_prompt=False) for dose in DOSES]
            for _ in range(2):
                assert [numbers(server, dose, prompt=prompt, id_slot=0) for dose in DOSES] == expected


def test_a_prompt_that_comes_back_without_what_was_outside_the_window_is_computed_again() -> None:
    """From the prompt cache; the prompt is longer than the window, and the new request goes back to before its end."""
    prompt = [(7 * i * i + 3 * i + 5) % 120 + 3 for i in range(40)]
    with tiny_models("gemma3", built_by_make("DRUGS_TEST_LLAMA_ARCHS")) as paths:
        path = str(next(path for path in paths if "dense" in path.name))
        with Server("-m", path, *ALONE) as server:
            for dose in DOSES:
                first = numbers(server, dose, prompt=prompt)
                numbers(server, dose, prompt=prompt[::-1])
                assert numbers(server, dose, prompt=prompt) == first


#
# what is used from a cache
#


def test_a_dosed_request_uses_what_was_computed_repeatably(server: Server) -> None:
    dose = DOSES[0]
    answer(server, {}, id_slot=1, cache_prompt=False)
    assert n_cached(answer(server, dose, id_slot=1)) == 0  # a sober request has computed it
    wait_until(lambda: dirty(server) == 0)
    assert n_cached(answer(server, dose, id_slot=1)) == N_PROMPT - 1
    assert n_cached(answer(server, {}, id_slot=1)) == 0  # sober requests are computed as in llama.cpp
    wait_until(lambda: dirty(server) == 0)
    longer = STORY + " Then it was winter."
    assert n_cached(answer(server, {}, id_slot=1, prompt=longer)) >= N_PROMPT
    assert n_cached(answer(server, dose, id_slot=1, prompt=longer)) == 0


def test_what_a_shower_computed_is_used(server: Server, alone: Server) -> None:
    dose = {"A": 0.4, "seed": 5}
    written = answer(server, dose, id_slot=1)["content"]
    wait_until(lambda: dirty(server) == 0)
    follow = answer(server, dose, id_slot=1, prompt=STORY + written)
    assert n_cached(follow) >= len(STORY) + 20
    assert follow["completion_probabilities"] == numbers(alone, dose, prompt=STORY + written, cache_prompt=False)


def test_a_prompt_that_was_put_away_comes_back_as_it_was(path: str, alone: Server) -> None:
    other = "0123456789" * 6
    with Server("-m", path, *ALONE) as server:
        for dose in (DOSES[0], {}):
            answer(server, dose, cache_prompt=False)
            answer(server, {}, prompt=other)
            again = answer(server, DOSES[0])
            assert n_cached(again) == (N_PROMPT - 1 if dose else 0)
            assert again["completion_probabilities"] == numbers(alone, DOSES[0])
            answer(server, {}, prompt=other)


def test_a_restored_slot_is_computed_again(path: str, tmp_path: Path, alone: Server) -> None:
    with Server("-m", path, *IN_COMPANY, "--slot-save-path", str(tmp_path)) as server:
        expected = answer(server, DOSES[0], id_slot=0)
        assert server.post("/slots/0?action=save", {"filename": "slot.bin"}).status == 200
        assert server.post("/slots/1?action=restore", {"filename": "slot.bin"}).status == 200
        again = answer(server, DOSES[0], id_slot=1)
        assert n_cached(again) == 0
        assert again["completion_probabilities"] == expected["completion_probabilities"] == numbers(alone, DOSES[0])


def test_positions_that_were_moved_are_computed_again(path: str, alone: Server) -> None:
    first, second = STORY + " " + "0123456789" * 5, "0123456789" * 5
    with Server("-m", path, *ALONE, "--cache-reuse", "8") as server:
        answer(server, {}, prompt=first)
        assert n_cached(answer(server, {}, prompt=second)) > 40  # moved to the front
        again = answer(server, DOSES[0], prompt=second)
        assert n_cached(again) <= 2
        assert again["completion_probabilities"] == numbers(alone, DOSES[0], prompt=second, cache_prompt=False)
        assert n_cached(answer(server, DOSES[0], prompt="7" + second)) <= 2


def test_a_context_that_was_shifted_is_computed_again(path: str, alone: Server) -> None:
    with Server("-m", path, *ALONE, "-c", "256", "--context-shift") as server:
        long = answer(server, DOSES[0], n_predict=300, n_keep=4)
        assert long["truncated"]
        wait_until(lambda: dirty(server) == 0)
        again = answer(server, DOSES[0])
        assert n_cached(again) <= 5
        assert again["completion_probabilities"] == numbers(alone, DOSES[0])


#
# what is reported about it
#


def test_an_answer_says_whether_it_is_repeatable(server: Server) -> None:
    assert answer(server, DOSES[0])["drugs"]["repeatable"] is True
    other = answer(server, {**DOSES[0], "repeatable": False})
    assert other["drugs"]["repeatable"] is False
    assert answer(server, other["drugs"])["drugs"] == other["drugs"]
    assert server.get("/props").json["drugs"]["repeatable"] == "dosed"
    wrong = server.post("/completion", {"prompt": PROMPT, "drugs": {"repeatable": 1}})
    assert (wrong.status, wrong.error) == (400, "Field 'drugs': repeatable is 1: give true or false")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--no-repeatable",), "--no-repeatable was given"),
        (("--kv-unified",), "the slots share a cache: leave out --kv-unified"),
    ],
)
def test_where_it_cannot_be_done_a_request_for_it_is_refused(path: str, options: tuple[str, ...], reason: str) -> None:
    with Server("-m", path, *IN_COMPANY, *options) as server:
        assert answer(server, DOSES[0])["drugs"]["repeatable"] is False
        assert "drugs" not in answer(server, {})
        assert server.get("/props").json["drugs"]["repeatable"] == "never"
        refused = server.post("/completion", {"prompt": PROMPT, "drugs": {"repeatable": True}})
        assert (refused.status, refused.error) == (
            400,
            f"Field 'drugs': repeatable is true, and this server cannot: {reason}",
        )


def test_a_server_that_shares_its_cache_cannot_be_started_repeatable(path: str) -> None:
    done = run_drugs("serve", "-m", path, "--repeatable", "--kv-unified", "-np", "2")
    assert done.returncode == 1
    assert "error: --repeatable: the slots share a cache: leave out --kv-unified\n" in done.stderr


def test_each_slot_has_as_large_a_context_as_in_a_shared_cache(path: str) -> None:
    for options in ((), ("--no-repeatable",)):
        with Server("-m", path, "-c", "512", *options) as server:
            assert server.get("/props").json["default_generation_settings"]["n_ctx"] == 512
            assert len(server.get("/slots").json) == 4
