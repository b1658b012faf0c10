"""How noise is drawn, held and dosed over time: Python, program and server write the same text with equal settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from llama_cpp import GGML_TYPE_F32

from drugs_cpp import DRUGS, Llama
from support.program import Server, run_drugs
from support.serving import PROMPT, completion, text

COURSE = [{"token": 0, "ratio": 1}, {"token": 12, "ratio": 0.2}]

#: "drugs" of a request, and the equivalent options
SETTINGS: list[tuple[dict[str, Any], list[str]]] = [
    ({"M": 0.9}, ["--dose", "M=0.9"]),
    ({"A": 0.9, "hold": "text"}, ["--dose", "A=0.9", "--dose-hold", "text"]),
    ({"A": 0.9, "H": 0.5, "hold": {"H": 4, "A": "text"}}, ["--dose", "A=0.9,H=0.5", "--dose-hold", "A=text,H=4"]),
    ({"A": 0.9, "M": 0.5, "layers": "shared"}, ["--dose", "A=0.9,M=0.5", "--dose-layers", "shared"]),
    ({"A": 0.9, "course": COURSE}, ["--dose", "A=0.9", "--dose-course", "interpolate:0:1,12:0.2"]),
    (
        {"A": 0.9, "course": {"points": COURSE, "mode": "floor"}},
        ["--dose", "A=0.9", "--dose-course", "floor:12:0.2,0:1"],
    ),
    ({"A": 0.9, "K": 0.9, "angle": "fixed"}, ["--dose", "A=0.9,K=0.9", "--dose-angle", "fixed"]),
    ({"V": 0.9, "angle": "half-normal"}, ["--dose", "V=0.9", "--dose-angle", "half-normal"]),
    ({"A": 0.9, "K": 0.9, "turn": "nlerp"}, ["--dose", "A=0.9,K=0.9", "--dose-turn", "nlerp"]),
    ({"Q": 0.9, "V": 0.9, "turn": "addition"}, ["--dose", "Q=0.9,V=0.9", "--dose-turn", "addition"]),
    ({"M": 0.9, "turn": "elementwise"}, ["--dose", "M=0.9", "--dose-turn", "elementwise"]),
    ({"A": 0.9, "apart": 3}, ["--dose", "A=0.9", "--dose-apart", "3"]),
    ({"A": 0.9, "H": 0.9, "dose_inputs": "last"}, ["--dose", "A=0.9,H=0.9", "--dose-inputs-last"]),
]

IDS = [json.dumps(drugs) for drugs, _ in SETTINGS]


@pytest.fixture(scope="module")
def llm(tiny_model_path: str) -> Iterator[Llama]:
    model = Llama(tiny_model_path, n_ctx=256, verbose=False, type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32)
    yield model
    model.close()


def of_python(llm: Llama, drugs: Mapping[str, Any]) -> str:
    rest = dict(drugs)
    llm.dose_inputs = rest.pop("dose_inputs", False)
    llm.drugs = DRUGS(rest, seed=3)
    answer: Any = llm.create_completion(PROMPT, max_tokens=24)
    return str(answer["choices"][0]["text"])


@pytest.mark.parametrize(("drugs", "options"), SETTINGS, ids=IDS)
def test_the_same_text(
    llm: Llama, tiny_server: Server, tiny_model_path: str, tmp_path: Path, drugs: dict[str, Any], options: list[str]
) -> None:
    wanted = of_python(llm, drugs)
    usual = {site: dose for site, dose in drugs.items() if isinstance(dose, float)}
    assert wanted != of_python(llm, usual) or drugs == usual
    answer = completion(tiny_server, {**drugs, "seed": 3})
    assert answer["content"] == wanted
    assert text(tiny_server, answer["drugs"]) == wanted
    assert {name: answer["drugs"][name] for name in drugs if name != "course"} == {
        name: value for name, value in drugs.items() if name != "course"
    }
    fixed = ["-m", tiny_model_path, "-c", "256", "-fa", "off", "-ctk", "f32", "-ctv", "f32", "--dose-seed", "3"]
    assert of_program(*fixed, *options) == wanted
    saved = tmp_path / "doses.json"
    saved.write_text(json.dumps(drugs))
    assert of_program(*fixed, "--dose-profile", str(saved)) == wanted


def of_program(*arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    options = ("-p", PROMPT, "-n", "24", "-no-cnv", "--no-display-prompt")
    done = run_drugs("completion", *options, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n\n")


#
# several answers
#


def several(server: Server, drugs: Mapping[str, Any], n: int = 3) -> list[dict[str, Any]]:
    body = {"prompt": PROMPT, "max_tokens": 24, "n": n, "drugs": drugs}
    answer = server.post("/v1/completions", body)
    assert answer.status == 200, answer.text
    return sorted(answer.json["choices"], key=lambda choice: int(choice["index"]))


@pytest.mark.parametrize("drugs", [{"A": 0.9, "H": 0.9, "dose_inputs": "last"}, {"A": 0.9, "course": COURSE}])
def test_several_answers_are_what_each_is_alone(tiny_server: Server, drugs: dict[str, Any]) -> None:
    choices = several(tiny_server, {**drugs, "seed": 5})
    assert [choice["drugs"]["seed"] for choice in choices] == [5, 6, 7]
    for choice in choices:
        assert text(tiny_server, choice["drugs"]) == choice["text"]
    again = several(tiny_server, {**drugs, "seed": 5})  # the prompt is in the cache
    assert [choice["text"] for choice in again] == [choice["text"] for choice in choices]


def test_the_last_position_is_dosed_with_the_prompt_computed_once(tiny_server: Server) -> None:
    prompt = "It was a dark and stormy night, " * 4
    body = {"prompt": prompt, "max_tokens": 8, "n": 4, "cache_prompt": False}
    drugs = {"A": 1, "H": 1, "pV": 1, "dose_inputs": "last", "seed": 5}
    before = tiny_server.get("/metrics").text
    answer = tiny_server.post("/v1/completions", {**body, "drugs": drugs}).json
    after = tiny_server.get("/metrics").text
    computed = [
        int(next(line.split()[1] for line in text.splitlines() if line.startswith("llamacpp:prompt_tokens_total ")))
        for text in (before, after)
    ]
    n_prompt = answer["usage"]["prompt_tokens"]
    assert computed[1] - computed[0] <= n_prompt + 4
    assert len({choice["text"] for choice in answer["choices"]}) > 1


def test_several_answers_keep_apart(llm: Llama, tiny_server: Server) -> None:
    drugs = {"A": 0.9, "hold": "text", "seed": 5}
    llm.dose_inputs = False
    choices = several(tiny_server, {**drugs, "apart": True}, n=4)
    assert [(choice["drugs"]["apart"], choice["drugs"]["seed"]) for choice in choices] == [(n, 5) for n in (1, 2, 3, 4)]
    varied: Any = llm.variations(PROMPT, n=4, drugs=drugs, seeds=5, apart=True, max_tokens=24)
    assert [choice["text"] for choice in varied["choices"]] == [choice["text"] for choice in choices]


def test_they_do_so_with_a_sampler(tiny_server: Server) -> None:
    body = {"prompt": PROMPT, "max_tokens": 24, "temperature": 0.9}
    drugs = {"A": 0.9, "hold": "text", "seed": 5, "apart": True}
    choices = tiny_server.post("/v1/completions", {**body, "n": 3, "drugs": drugs}).json["choices"]
    assert len({choice["text"] for choice in choices}) == 3
    for choice in choices:
        alone = tiny_server.post("/v1/completions", {**body, "drugs": choice["drugs"]}).json["choices"][0]
        assert alone["text"] == choice["text"]


def test_a_course_goes_on_after_a_shower(llm: Llama, tiny_server: Server) -> None:
    course = [{"token": 8, "ratio": 1}, {"token": 40, "ratio": 0.2}]
    drugs = {"A": 0.9, "pV": 0.9, "course": course}
    llm.sober_interval = 7
    wanted = of_python(llm, drugs)
    llm.sober_interval = 420
    assert wanted != of_python(llm, drugs)
    assert text(tiny_server, {**drugs, "seed": 3, "sober_interval": 7}) == wanted


#
# mistakes
#

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"A": 0.1, "hold": 0}, "give a whole number of tokens"),
    ({"A": 0.1, "hold": 1.5}, "the hold is 1.5: give a whole number of tokens, 1 to 2147483647"),
    ({"A": 0.1, "hold": 2**31}, "give a whole number of tokens, 1 to 2147483647"),
    ({"A": 0.1, "apart": "true"}, "or true for one of its own"),
    ({"A": 0.1, "hold": {"B": 1}}, "unknown site"),
    ({"A": 0.1, "hold": "whole"}, 'or \\"text\\"'),
    ({"A": 0.1, "layers": "some"}, "they are own or shared"),
    ({"A": 0.1, "angle": "normal"}, "the kinds are uniform, half-normal, fixed"),
    ({"A": 0.1, "turn": 1}, "give a string"),
    ({"A": 0.1, "turn": "elementwise", "angle": "fixed"}, "leave noise and angle out"),
    ({"K": 0.1, "turn": "elementwise"}, "dose pK and pV instead"),
    ({"V": 0.1, "turn": "nlerp", "noise": "reference"}, "not possible at K and V with noise reference"),
    ({"V": 0.1, "apart": 1}, "which draw no directions"),
    ({"V": 0.1, "apart": True}, "which draw no directions"),
    ({"A": 0.1, "apart": 0.5}, "apart is 0.5"),
    ({"A": 0.1, "apart": 2, "noise": "reference"}, "apart has directions of its own"),
    ({"A": 0.1, "dose_inputs": "first"}, 'give true, false or \\"last\\"'),
    ({"A": 0.1, "course": []}, "the course has no points"),
    ({"A": 0.1, "course": [{"token": -1, "ratio": 1}]}, "give a whole number, 0 or more"),
    ({"A": 0.1, "course": [{"token": 0.5, "ratio": 1}]}, "give a whole number, 0 or more"),
    ({"A": 0.1, "course": [{"token": 0, "ratio": 1}, {"token": 0, "ratio": 2}]}, "twice"),
    ({"A": 0.1, "course": [{"token": 0, "peakratio": 1}]}, "and nothing else"),
    ({"A": 0.1, "course": {"points": [{"token": 0, "ratio": 1}], "mode": "line"}}, "unknown mode"),
    ({"A": 0.1, "course": [{"token": 9, "ratio": 32}]}, "reaches 3.2"),
]


@pytest.mark.parametrize(("drugs", "says"), MISTAKES)
def test_a_mistake_is_a_clear_400(tiny_server: Server, drugs: dict[str, Any], says: str) -> None:
    answer = tiny_server.post("/completion", {"prompt": PROMPT, "n_predict": 1, "drugs": drugs})
    assert answer.status == 400
    assert says in answer.text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dose-hold", "A"], "the hold is 'A': give a number"),
        (["--dose-hold", "0"], "give a whole number of tokens, 1 to 2147483647"),
        (["--dose-hold", "A=0.5"], "the hold of A is 0.5: give a whole number of tokens, 1 to"),
        (["--dose-hold", ""], "no hold: give a number of tokens"),
        (["--dose-layers", "same"], "they are own or shared"),
        (["--dose-course", "0:1"], "unknown mode '0'"),
        (["--dose-course", "ceil"], "give MODE:TOKEN:RATIO"),
        (["--dose-course", "ceil:5"], "give TOKEN:RATIO"),
        (["--dose-course", "ceil:-5:1"], "give a whole number, 0 or more"),
        (["--dose-angle", "wide"], "the kinds are uniform, half-normal, fixed"),
        (["--dose-turn", "round"], "the kinds are rotation, addition, nlerp, elementwise"),
        (["--dose-apart", "x"], "apart is 'x': give a number"),
        (["--dose", "K=0.1", "--dose-turn", "elementwise"], "dose pK and pV instead"),
    ],
)
def test_an_option_that_is_wrong_says_so(options: list[str], says: str) -> None:
    done = run_drugs("completion", "-p", PROMPT, "-n", "1", *options)
    assert done.returncode != 0
    assert says in done.stderr
