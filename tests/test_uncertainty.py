"""``uncertainty``: one batch of a sober answer and dosed ones, and the results, in Python and on the server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from conftest import MakeLlama
from drugs_cpp import DRUGS, SITES, CountError, Llama, OptionError, PromptError, SeedError, _core
from drugs_cpp.model.uncertainty_methods import usual_doses
from drugs_cpp.tools.lab import main
from support.program import Server
from support.seeds import first_that

QUESTION = "What is the capital of France?"
MESSAGES = [{"role": "user", "content": QUESTION}]
DOSE = {"A": 0.6, "noise": "reference"}


@pytest.fixture
def real(make_llama: MakeLlama, model_path: str) -> Llama:
    """A repeatable model, so that a sober answer has the same bits in any batch."""
    return make_llama(model_path, n_ctx=512, n_threads=2, n_threads_batch=2, repeatable=True)


def texts_of(answer: Any) -> list[str]:
    return [choice["message"]["content"] for choice in answer["choices"]]


def test_the_answers_are_those_that_variations_gives(real: Llama) -> None:
    def varied(seed: int) -> list[str]:
        return texts_of(real.variations(messages=MESSAGES, n=6, seeds=seed, drugs=DOSE, max_tokens=12))

    usual = real.dose_inputs
    real.dose_inputs = "last"
    seed = first_that(lambda seed: len(set(varied(seed))) > 1, range(5, 101, 6))
    real.dose_inputs = usual
    found = real.uncertainty(QUESTION, 6, DOSE, seed=seed, max_tokens=12)
    real.dose_inputs = "last"
    others = varied(seed)
    [sober] = texts_of(real.variations(messages=MESSAGES, n=1, drugs={}, max_tokens=12))
    assert (found.text, list(found.texts), found.seeds) == (sober, others, tuple(range(seed, seed + 6)))
    answers = _core.compare_answers(sober, others, "auto")
    numbers = (found.agreement, found.entropy, found.similarity)
    assert numbers == (answers["agreement"], answers["entropy"], answers["similarity"])
    assert [(one.answer, one.n) for one in found.answers] == [(some["answer"], some["n"]) for some in answers["groups"]]
    assert found.score == _core.confidence(found.agreement, found.log_likelihood)


def test_the_likelihood_is_that_of_the_sober_answer(real: Llama) -> None:
    found = real.uncertainty(QUESTION, 1, DOSE, seed=5, max_tokens=6)
    prompt = real.prompt_of(None, MESSAGES).tokens
    answer = real.tokenize(found.text.encode(), add_bos=False)
    trace = real.trace([*prompt, *answer], positions="all", layers=[0], top_k=0, drugs={})
    assert trace.logits is not None
    rows = log_softmax(trace.logits[len(prompt) - 1 : -1].astype(np.float64), -1)
    likelihood = rows[np.arange(len(answer)), answer].mean()
    assert found.log_likelihood == pytest.approx(likelihood, abs=0.02)


def test_nothing_of_the_model_changes(real: Llama) -> None:
    real.drugs = DRUGS(H=0.1, seed=3)
    real.eval(real.tokenize(b"The sea is"))
    tokens, dirty = real.input_ids[: real.n_tokens].tolist(), real.dirty_count
    real.uncertainty(QUESTION, 3, DOSE, seed=1, max_tokens=4)
    assert (real.drugs, real.dose_inputs) == (DRUGS(H=0.1, seed=3), False)
    assert (real.input_ids[: real.n_tokens].tolist(), real.dirty_count) == (tokens, dirty)


def test_a_seed_of_the_doses_counts(real: Llama) -> None:
    seeded = real.uncertainty(QUESTION, 3, {**DOSE, "seed": 5}, max_tokens=4)
    assert seeded == real.uncertainty(QUESTION, 3, DOSE, seed=5, max_tokens=4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"question": " "}, PromptError, "empty"),
        ({"question": None}, PromptError, "prompt"),
        ({"prompt": "x"}, PromptError, "both|prompt"),
        ({"n": 0}, CountError, "n is 0"),
        ({"max_tokens": 0}, CountError, "max_tokens is 0"),
        ({"max_tokens": None}, CountError, "max_tokens is None"),
        ({"kind": "letter"}, OptionError, "kind is 'letter': give auto, choice, number or text"),
        ({"kind": None}, OptionError, "kind is None"),
        ({"temperature": -1}, OptionError, "temperature is -1"),
        ({"temperature": "hot"}, OptionError, "temperature is 'hot'"),
        ({"seed": -2}, SeedError, "-2"),
        ({"dose_inputs": "first"}, OptionError, "dose_inputs"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    make_llama: MakeLlama, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_llama().uncertainty(**{"question": QUESTION, "drugs": DOSE, **arguments})


def test_it_is_shown(make_llama: MakeLlama) -> None:
    found = make_llama().uncertainty(QUESTION, 4, DOSE, seed=1, max_tokens=8)
    assert "% sure; of 4 answers under A=0.6: " in str(found)
    assert "% sure" in found._repr_html_()
    assert "of 4 texts under A=0.6" in found._repr_html_()


def test_it_says_which_angles_were_taken(real: Llama) -> None:
    found = real.uncertainty(QUESTION, 1, {"effect": "strong", "H": 1}, seed=4, max_tokens=2)
    angle = real.titrate("H", "strong").angle
    assert (found.drugs["effect"], found.drugs["H"], found.drugs["seed"]) == ("strong", angle, 4)
    assert found.drugs["source"] == "table"
    assert found.doses == f"strong, H={angle:g}"
    assert found.to_dict()["drugs"] == found.drugs


#
# server
#


def test_the_server_says_the_same_as_python(real_server: Server, make_llama: MakeLlama, model_path: str) -> None:
    real = make_llama(model_path, n_ctx=512, repeatable=True, flash_attn=True)  # like the server
    body = {"messages": MESSAGES, "max_tokens": 12, "uncertainty": {"n": 6, "drugs": {**DOSE, "seed": 5}}}
    answer = real_server.post("/v1/chat/completions", body)
    assert answer.status == 200, answer.text
    [choice] = answer.json["choices"]
    found = real.uncertainty(QUESTION, 6, DOSE, seed=5, max_tokens=12)
    assert choice["message"]["content"] == found.text
    said = choice["uncertainty"]
    made_by = said.pop("drugs")
    assert (made_by["A"], made_by["seed"], made_by["dose_inputs"]) == (0.6, 5, "last")
    expected = found.to_dict()
    drugs = expected.pop("drugs")
    assert drugs == {name: made_by[name] for name in drugs}
    assert said["answers"] == expected["answers"]
    assert said.pop("log_likelihood") == pytest.approx(expected.pop("log_likelihood"), abs=0.02)
    assert said.pop("score") == pytest.approx(expected.pop("score"), abs=0.01)
    for name in ("agreement", "entropy", "similarity"):
        assert said.pop(name) == pytest.approx(expected.pop(name))
    assert said == expected
    usage = answer.json["usage"]
    assert usage["completion_tokens"] > 12
    assert choice["logprobs"] is None


def test_the_sober_answer_is_the_one_without_the_question(real_server: Server) -> None:
    plain = {"messages": MESSAGES, "max_tokens": 12, "drugs": {"repeatable": True}, "temperature": 0}
    sober = real_server.post("/v1/chat/completions", plain).json["choices"][0]["message"]
    for given in (True, 3, {"n": 2, "drugs": "strong"}, {"temperature": 0.5}):
        answer = real_server.post(
            "/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 12, "uncertainty": given}
        )
        choice = answer.json["choices"][0]
        assert choice["message"] == sober
        n = given if given == 3 else given.get("n", 10) if isinstance(given, dict) else 10
        assert sum(group["n"] for group in choice["uncertainty"]["answers"]) == choice["uncertainty"]["n"] == n


def test_a_text_can_be_continued(real_server: Server) -> None:
    body = {"prompt": "The capital of France is", "max_tokens": 4, "uncertainty": 2, "logprobs": 1, "seed": 9}
    choice = real_server.post("/v1/completions", body).json["choices"][0]
    assert choice["text"]
    assert choice["logprobs"]["content"]
    assert choice["uncertainty"]["drugs"]["seed"] == 9


def dosed_with(server: Server, **body: Any) -> dict[str, Any]:
    """Doses and first seed of the dosed answers."""
    answer = server.post("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 2, **body})
    assert answer.status == 200, answer.error
    found: dict[str, Any] = answer.json["choices"][0]["uncertainty"]["drugs"]
    return found


def test_the_nearest_seed_counts(tiny_server: Server) -> None:
    assert dosed_with(tiny_server, seed=1, drugs={"seed": 7, "hold": "text"}, uncertainty=2)["seed"] == 7
    assert dosed_with(tiny_server, seed=1, uncertainty={"n": 2, "drugs": {"A": 0.3, "seed": 8}})["seed"] == 8
    assert dosed_with(tiny_server, seed=1, drugs={"seed": 7}, uncertainty={"n": 2, "drugs": "mild"})["seed"] == 1
    assert dosed_with(tiny_server, seed=3, uncertainty=2)["seed"] == 3


def test_a_sober_request_gets_the_usual_dose_and_keeps_all_else(tiny_server: Server) -> None:
    found = dosed_with(tiny_server, drugs={"seed": 7, "hold": 4, "A": 0}, uncertainty=2)
    assert (found["effect"], found["hold"], found["layers"], found["seed"]) == ("medium", 4, "shared", 7)
    assert 0 < found["M"] < 1  # found for the effect, and not the proportion
    told = dosed_with(tiny_server, drugs={"effect": None, "seed": 7}, uncertainty=2)
    assert (told["effect"], told["hold"], told["M"]) == ("medium", "text", found["M"])
    assert "A" not in dosed_with(tiny_server, uncertainty={"n": 2, "drugs": {}})  # as in Python, it is used as given


def test_the_usual_dose_is_the_same_in_python_and_on_the_server(real_server: Server, real: Llama) -> None:
    said = dosed_with(real_server, seed=5, uncertainty=2)
    found = real.uncertainty(QUESTION, 2, seed=5, max_tokens=2).drugs
    assert found == {name: said[name] for name in found}
    assert found["source"] == "table"  # so nobody waits for it


@pytest.mark.parametrize("n_layer", [1, 2, 3, 24, 30, 32, 61, 126])
def test_the_usual_dose_is_in_the_last_third_of_the_layers(n_layer: int) -> None:
    table = DRUGS({**usual_doses().to_dict(), "effect": None, "M": 0.5}).table(n_layer)
    dosed = [3 * layer >= 2 * n_layer for layer in range(n_layer)]
    assert (table[:, SITES.index("M")] == np.where(dosed, np.float32(0.5), 0)).all()
    assert not np.delete(table, SITES.index("M"), axis=1).any()


def test_fields_that_say_nothing_are_as_if_they_were_not_there(tiny_server: Server) -> None:
    nothing = {"stream": None, "n": None, "logprobs": False}
    answer = tiny_server.post(
        "/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 2, "uncertainty": 2, **nothing}
    )
    assert answer.status == 200, answer.error
    assert answer.json["choices"][0].get("logprobs") is None


def test_nothing_agrees_with_nothing(tiny_server: Server) -> None:
    body = {"prompt": "a", "max_tokens": 1, "uncertainty": {"n": 2, "kind": "number", "drugs": {}}}
    found = tiny_server.post("/v1/completions", body).json["choices"][0]["uncertainty"]
    assert found["answers"][0]["answer"] == ""
    assert found["agreement"] == 0
    assert _core.compare_answers("no", ["no", "none"], "number")["agreement"] == 0


@pytest.mark.parametrize("drugs", [{}, {"A": 0.0001}])
def test_the_sober_answer_has_the_same_bits_beside_any_dose(make_llama: MakeLlama, model_path: str, drugs: Any) -> None:
    llm = make_llama(model_path, n_ctx=512)
    likelihoods = {llm.uncertainty(QUESTION, 2, some, seed=1, max_tokens=8).log_likelihood for some in (drugs, DOSE)}
    assert len(likelihoods) == 1


@pytest.mark.parametrize(
    ("path", "more", "message"),
    [
        ("/v1/chat/completions", {"uncertainty": 0}, "n is 0: give a whole number of dosed answers, 1 to 100"),
        ("/v1/chat/completions", {"uncertainty": {"n": 1.5}}, "n is 1.5"),
        ("/v1/chat/completions", {"uncertainty": "yes"}, "give true, a number of dosed answers, or an object"),
        ("/v1/chat/completions", {"uncertainty": {"m": 1}}, "the names are n, drugs, temperature, kind"),
        ("/v1/chat/completions", {"uncertainty": {"kind": "letter"}}, "'uncertainty': unknown kind of answer 'letter'"),
        ("/v1/chat/completions", {"uncertainty": {"temperature": -1}}, "the temperature is -1"),
        ("/v1/chat/completions", {"uncertainty": {"drugs": "weak"}}, "unknown effect 'weak'"),
        ("/v1/chat/completions", {"uncertainty": True, "stream": True}, "set stream to false"),
        ("/v1/chat/completions", {"uncertainty": True, "n": 2}, "leave out n"),
        ("/v1/completions", {"uncertainty": True, "prompt": ["a", "b"]}, "send one at a time"),
        ("/v1/messages", {"uncertainty": True, "messages": MESSAGES}, "use /v1/chat/completions or /v1/completions"),
        ("/completion", {"uncertainty": True, "prompt": "a"}, "use /v1/chat/completions or /v1/completions"),
    ],
)
def test_mistakes_are_named(tiny_server: Server, path: str, more: dict[str, Any], message: str) -> None:
    body = {"messages": MESSAGES} if "chat" in path else {"prompt": "a"}
    answer = tiny_server.post(path, {**body, "max_tokens": 2, **more})
    assert answer.status == 400
    assert message in answer.error


#
# drugs-lab ask
#


def test_it_is_asked_on_the_command_line(short_model_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["ask", QUESTION, "-m", short_model_path, "-n", "3", "--dose", "A=0.6", "--seed", "1", "--max-tokens", "6"]
    assert main([*given, "-t", "1"]) == 0
    said = capsys.readouterr().out
    assert "of 3 answers under A=0.6 say the same" in said
    assert main([*given, "-t", "1", "--json"]) == 0
    assert '"agreement"' in capsys.readouterr().out


def test_doses_of_the_command_line_come_from_a_file_too(
    short_model_path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DRUGS(A=0.6, H=0.2, hold="text").save(tmp_path / "doses.json")
    given = ["ask", QUESTION, "-m", short_model_path, "-n", "2", "--seed", "1", "--max-tokens", "6", "-t", "1"]
    given += ["--json", "--dose-profile", str(tmp_path / "doses.json"), "--dose", "H=0.4"]
    said = []
    for inputs in ("no", "all"):
        assert main([*given, "--dose-inputs", inputs]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0]["drugs"].items() >= {"A": 0.6, "H": 0.4, "hold": "text"}.items()
    llm = Llama(short_model_path, n_ctx=512, n_threads=1, verbose=False)
    drugs = DRUGS(A=0.6, H=0.4, hold="text")
    for found, dosed in zip(said, (False, True)):
        same = llm.uncertainty(QUESTION, 2, drugs, seed=1, max_tokens=6, dose_inputs=dosed)
        assert same.to_dict().items() <= found.items()


def test_the_example_tells_what_was_invented(short_model_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path(__file__).parents[1] / "examples" / "how_sure.py"
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    run = subprocess.run([sys.executable, example, short_model_path], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    *answers, wrong, made_up = run.stdout.splitlines()
    assert len(answers) == 12
    assert wrong.startswith("wrong: 6 answers, mean score 0.")  # a model of two layers knows nothing
    assert made_up.startswith("made up: 6 answers, mean score 0.")
