"""The examples run as a user runs them, and what they print is what the server says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import drugs_cpp
from program import Server

EXAMPLES = Path(__file__).parents[1] / "examples"

STORY = "Write one sentence that begins a story about a lighthouse."

DOSE = {"A": 0.3}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("-np", "4", "-c", "4096", "--dose", "A=0.3") as server:
        yield server


def run_example(name: str, server: Server, needs: str) -> str:
    """What an example prints."""
    pytest.importorskip(needs, reason=f"{name} needs the package {needs}")
    interpreter = sys.executable if name.endswith(".py") else "sh"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        [interpreter, str(EXAMPLES / name), "--base-url", f"{server.url}/v1"],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def ask(server: Server, prompt: str = STORY, **fields: Any) -> str:
    """What the server answers."""
    messages = [{"role": "user", "content": prompt}]
    answer = server.post("/v1/chat/completions", {"messages": messages, "max_tokens": 60, **fields})
    assert answer.status == 200, answer.text
    return str(answer.json["choices"][0]["message"]["content"])


#
# openai
#


def test_openai(server: Server) -> None:
    printed = run_example("openai_client.py", server, needs="openai")
    sober, *variations, again, made_by = [line for line in printed.splitlines() if line]
    sober_text = ask(server, temperature=0, drugs={})
    assert sober == f"sober: {sober_text}"

    seeds = [int(re.findall(r"^seed (\d+): ", line)[0]) for line in variations]
    assert seeds == [(seeds[0] + i) % (2**32 - 1) for i in range(4)]
    texts = [line.partition(": ")[2] for line in variations]
    assert len({sober_text, *texts}) > 1

    assert again == f"seed {seeds[2]} again: {ask(server, drugs={**DOSE, 'seed': seeds[2]})}"
    assert made_by.startswith(f"made by {{'A': 0.3, 'seed': {seeds[2]}, ")


def test_doses_as_the_python_package_writes_them(server: Server) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none needed")
    answer = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": STORY}],
        max_tokens=60,
        extra_body={"drugs": drugs_cpp.DRUGS(v_dose=0.5, seed=7).to_dict()},
    )
    assert answer.choices[0].message.content == ask(server, drugs={"V": 0.5, "seed": 7})
    assert answer.choices[0].message.content != ask(server, drugs={**DOSE, "seed": 7})
    assert answer.choices[0].drugs["V"] == 0.5
    assert "A" not in answer.choices[0].drugs


def test_openai_is_told_what_is_wrong(server: Server) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none needed")
    with pytest.raises(openai.BadRequestError, match=r"Field 'drugs': .*-1"):
        client.chat.completions.create(
            model="any", messages=[{"role": "user", "content": STORY}], extra_body={"drugs": {"A": -1}}
        )


#
# langchain
#


def test_langchain(server: Server) -> None:
    printed = run_example("langchain_client.py", server, needs="langchain_openai")
    stories, headlines = (part.splitlines() for part in printed.split("\n\n"))

    answers = {angle: ask(server, temperature=0, drugs={"A": angle, "seed": 7}) for angle in (0.0, 0.1, 0.2, 0.4)}
    assert stories == [f"A={angle}: {answer}" for angle, answer in answers.items()]
    assert answers[0.4] != answers[0.0]

    assert headlines[0] == "A=0.2, pV=0.2:"
    assert [line.partition(": ")[0] for line in headlines[1:]] == ["the sea", "a cat", "the moon"]
    assert all(line.partition(": ")[2] for line in headlines[1:])


#
# llm
#


def test_llm(server: Server) -> None:
    printed = run_example("llm_client.sh", server, needs="llm")
    blocks = re.findall(r"^seed (\d):\n(.+)$", printed, flags=re.MULTILINE)
    assert [seed for seed, _ in blocks] == ["1", "2", "1"]
    texts = [text for _, text in blocks]
    assert texts[2] == texts[0] != texts[1]
    assert texts[:2] == [ask(server, drugs={**DOSE, "seed": seed}) for seed in (1, 2)]
