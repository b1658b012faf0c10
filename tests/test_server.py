"""`drugs serve`: what a dose in a request does, over real HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_cpp import GGML_TYPE_F32

import drugs_cpp
from drugs_cpp import DRUGS
from support.patience import wait_until
from support.program import Server, run_drugs
from support.serving import PROMPT, TINY, completion, dirty, metric, sober_text, text, try_until

#
# what a dose does
#


def test_a_seed_is_a_text_and_the_answer_says_it(tiny_server: Server) -> None:
    answer = completion(tiny_server, {"A": 0.5, "seed": 7})
    assert answer["drugs"]["A"] == 0.5
    assert answer["drugs"]["seed"] == 7
    assert answer["content"] == text(tiny_server, {"A": 0.5, "seed": 7})
    assert answer["content"] == text(tiny_server, answer["drugs"])
    assert answer["content"] != text(tiny_server, {"A": 0.5, "seed": 8})
    assert answer["content"] != sober_text(tiny_server)


def test_it_writes_what_python_writes(tiny_server: Server, tiny_model_path: str) -> None:
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
        llm.sober_interval = rate
        answer: Any = llm.create_completion(PROMPT, max_tokens=40, temperature=0)
        expected = answer["choices"][0]["text"]
        llm.close()
        assert text(tiny_server, {**dose, "seed": 3, "sober_interval": rate}, n_predict=40) == expected
        assert text(tiny_server, {**drugs.to_dict(), "sober_interval": rate}, n_predict=40) == expected


def test_the_answer_has_everything_that_repeats_it(tiny_server: Server) -> None:
    points = [{"depth": 0.0, "peakratio": 1.0}, {"depth": 1.0, "peakratio": 0.2}]
    drugs = {"Q": 0.3, "A": 0.5, "shape": {"A": {"points": points, "mode": "ceil"}}, "multiplier": 2.0, "seed": 3}
    settings = {"noise": "reference", "sink": 4, "dose_inputs": True, "sober_interval": 9}
    answer = completion(tiny_server, {**settings, **drugs})
    assert list(answer["drugs"].items()) == list({**drugs, **settings, "repeatable": True}.items())
    older = {"dose_theta": {"Q": 0.3, "A": 0.5}, "dose_shape": drugs["shape"], "dose_multiplier": 2, "seed": 3}
    assert completion(tiny_server, {**settings, **older})["drugs"] == answer["drugs"]


def test_without_a_seed_each_answer_draws_one(tiny_server: Server) -> None:
    answers = [completion(tiny_server, {"A": 0.5}) for _ in range(3)]
    assert len({answer["drugs"]["seed"] for answer in answers}) == 3
    assert len({answer["content"] for answer in answers}) > 1
    for answer in answers:
        assert text(tiny_server, {"A": 0.5, "seed": answer["drugs"]["seed"]}) == answer["content"]


def test_a_seed_of_minus_one_is_a_fresh_one(tiny_model_path: str) -> None:
    with Server("-m", tiny_model_path, *TINY, "--dose", "A=0.5", "--dose-seed", "5", "-s", "6") as server:
        assert completion(server)["drugs"]["seed"] == 5
        assert completion(server, {"A": 0.5, "seed": None})["drugs"]["seed"] == 5
        assert completion(server, {"A": 0.5}, seed=7)["drugs"]["seed"] == 7
        assert len({completion(server, {"A": 0.5, "seed": -1}, seed=7)["drugs"]["seed"] for _ in range(3)}) == 3


def test_a_dosed_prompt_has_the_same_answer_again(tiny_server: Server) -> None:
    dose = {"A": 1, "seed": 1, "dose_inputs": True}
    first = completion(tiny_server, dose, id_slot=0)
    wait_until(lambda: dirty(tiny_server) == 0)
    again = completion(tiny_server, dose, id_slot=0)
    assert again["content"] == first["content"]
    assert again["timings"]["cache_n"] <= 6  # the sink


def test_the_seed_of_the_request_is_that_of_the_noise(tiny_server: Server) -> None:
    assert text(tiny_server, {"A": 0.5}, seed=7) == text(tiny_server, {"A": 0.5, "seed": 7})
    assert completion(tiny_server, {"A": 0.5, "seed": 7}, seed=9)["drugs"]["seed"] == 7


def test_a_dosed_answer_is_greedy_unless_a_request_sets_a_sampler(tiny_server: Server) -> None:
    dose = {"A": 0.2, "seed": 7}
    assert text(tiny_server, dose, seed=1) == text(tiny_server, dose, seed=2)
    assert text(tiny_server, dose, seed=1, temperature=2, min_p=0) != text(
        tiny_server, dose, seed=2, temperature=2, min_p=0
    )
    assert completion(tiny_server, dose)["generation_settings"]["temperature"] == 0
    assert completion(tiny_server, {})["generation_settings"]["temperature"] == pytest.approx(0.8)


def test_the_prompt_is_dosed_on_request(tiny_server: Server) -> None:
    firsts = [text(tiny_server, {"A": 1, "seed": seed, "dose_inputs": True}, n_predict=1) for seed in range(8)]
    assert len(set(firsts)) > 1
    assert {text(tiny_server, {"A": 1, "seed": seed}, n_predict=1) for seed in range(8)} == {
        sober_text(tiny_server, n_predict=1)
    }


def test_one_batch_holds_different_doses_and_none_changes_another(tiny_server: Server) -> None:
    doses: list[dict[str, Any]] = [
        {},
        {"A": 0.5, "seed": 1},
        {"K": 0.5, "V": 0.5, "seed": 2},
        {"H": 0.3, "pK": 0.3, "seed": 3, "noise": "reference"},
    ]
    alone = [text(tiny_server, dose, temperature=0, n_predict=64) for dose in doses]
    assert len(set(alone)) == len(doses)

    def share_batches() -> bool:
        n_decode = metric(tiny_server, "n_decode_total")
        with ThreadPoolExecutor(len(doses)) as pool:
            together = list(pool.map(lambda dose: text(tiny_server, dose, temperature=0, n_predict=64), doses))
        assert together == alone
        return metric(tiny_server, "n_decode_total") - n_decode < 3 * 64  # not one after the other

    try_until(share_batches)


def test_a_cached_prompt_changes_no_number_of_a_dosed_answer(model_path: str, tmp_path: Path) -> None:
    """In half precision, a single token is rounded differently from one in a batch."""
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


@pytest.mark.parametrize("dose_inputs", [False, True])
def test_n_gives_consecutive_seeds_and_their_texts(tiny_server: Server, dose_inputs: bool) -> None:
    dose = {"A": 0.5, "seed": 4294967293, "dose_inputs": dose_inputs}
    answer = tiny_server.post("/v1/completions", {"prompt": PROMPT, "max_tokens": 24, "n": 3, "drugs": dose}).json
    choices = sorted(answer["choices"], key=lambda choice: choice["index"])
    assert [choice["drugs"]["seed"] for choice in choices] == [4294967293, 4294967294, 0]
    for choice in choices:
        assert choice["text"] == text(tiny_server, {**dose, "seed": choice["drugs"]["seed"]})


def test_n_and_several_prompts_in_the_server_s_own_format(tiny_server: Server) -> None:
    answers = completion(tiny_server, {"A": 0.5, "seed": 3}, prompt=[PROMPT, "Now"], n=2)
    assert [answer["drugs"]["seed"] for answer in answers] == [3, 4, 3, 4]
    assert answers[3]["content"] == text(tiny_server, {"A": 0.5, "seed": 4}, prompt="Now")
