"""The examples run as a user would run them, and print what the server answers."""

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
from support.patience import PATIENCE
from support.program import Server
from support.seeds import first_that

EXAMPLES = Path(__file__).parents[1] / "examples"

STORY = "Write one sentence that begins a story about a lighthouse."

DOSE = {"A": 0.3}

NOT_INSTALLED = "{} is not installed: pip install 'drugs_cpp[clients]' (Python 3.10 or later)"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("-np", "4", "-c", "4096", "--dose", "A=0.3") as server:
        yield server


def run_example(name: str, server: Server, needs: str) -> str:
    """The output of an example."""
    pytest.importorskip(needs, reason=NOT_INSTALLED.format(needs))
    interpreter = sys.executable if name.endswith(".py") else "sh"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        [interpreter, str(EXAMPLES / name), "--base-url", f"{server.url}/v1"],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def ask(server: Server, prompt: str = STORY, **fields: Any) -> str:
    """The server's answer."""
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
    openai = pytest.importorskip("openai", reason=NOT_INSTALLED.format("openai"))
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none needed")

    def differs_from_the_servers_own_dose(seed: int) -> bool:
        return ask(server, drugs={"V": 0.5, "seed": seed}) != ask(server, drugs={**DOSE, "seed": seed})

    seed = first_that(differs_from_the_servers_own_dose)
    answer = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": STORY}],
        max_tokens=60,
        extra_body={"drugs": drugs_cpp.DRUGS(V=0.5, seed=seed).to_dict()},
    )
    assert answer.choices[0].message.content == ask(server, drugs={"V": 0.5, "seed": seed})
    assert answer.choices[0].drugs["V"] == 0.5
    assert "A" not in answer.choices[0].drugs


def test_openai_raises_for_a_bad_dose(server: Server) -> None:
    openai = pytest.importorskip("openai", reason=NOT_INSTALLED.format("openai"))
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
    stories, heading, rest = printed.partition("\nA=0.2, pV=0.2:\n")  # a story may have several lines
    topics = re.findall(r"^(the sea|a cat|the moon): .", rest, flags=re.MULTILINE)

    answers = {angle: ask(server, temperature=0, drugs={"A": angle, "seed": 7}) for angle in (0.0, 0.1, 0.2, 0.4)}
    assert stories == "".join(f"A={angle}: {answer}\n" for angle, answer in answers.items())
    assert len(set(answers.values())) > 1

    assert heading
    assert topics == ["the sea", "a cat", "the moon"]


#
# llm
#


def test_llm(server: Server) -> None:
    printed = run_example("llm_client.sh", server, needs="llm")
    blocks = re.findall(r"^seed (\d):\n(.+)$", printed, flags=re.MULTILINE)
    assert [seed for seed, _ in blocks] == ["1", "2", "1"]
    texts = [text for _, text in blocks]
    assert texts == [ask(server, drugs={**DOSE, "seed": seed}) for seed in (1, 2, 1)]
