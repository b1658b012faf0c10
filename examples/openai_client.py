"""Doses with the openai package: variations with their seeds, and one of them repeated as a stream.

drugs serve -np 4 -c 4096           # in another terminal
python examples/openai_client.py
"""

from __future__ import annotations

import argparse
from typing import Any

from openai import OpenAI

# angles by site in radians; drugs_cpp.DRUGS(A=0.3).to_dict() also works
DOSE = {"A": 0.3}

QUESTION: dict[str, Any] = {
    "model": "any",  # the server has only one
    "messages": [{"role": "user", "content": "Write one sentence that begins a story about a lighthouse."}],
    "max_tokens": 60,
}


def drugs_of(choice: Any) -> dict[str, Any]:
    """The doses and seed that the server adds to a complete choice; empty before that, and for a sober text."""
    extra: dict[str, Any] = choice.model_extra or {}
    return extra.get("drugs") or {}


def show_sober(client: OpenAI) -> None:
    answer = client.chat.completions.create(**QUESTION, temperature=0, extra_body={"drugs": {}})
    print(f"sober: {answer.choices[0].message.content}\n")


def show_variations(client: OpenAI) -> int:
    """Print four texts that are decoded together. Returns the seed of the third."""
    answer = client.chat.completions.create(**QUESTION, n=4, extra_body={"drugs": DOSE})
    for choice in answer.choices:
        print(f"seed {drugs_of(choice)['seed']}: {choice.message.content}")
    return int(drugs_of(answer.choices[2])["seed"])


def show_again(client: OpenAI, seed: int) -> None:
    print(f"\nseed {seed} again: ", end="")
    drugs: dict[str, Any] = {}
    for chunk in client.chat.completions.create(**QUESTION, stream=True, extra_body={"drugs": {**DOSE, "seed": seed}}):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
            drugs = drugs_of(choice)
    print(f"\nmade by {drugs}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="http://127.0.0.1:8080/v1")
    client = OpenAI(base_url=parser.parse_args().base_url, api_key="none needed")
    show_sober(client)
    show_again(client, seed=show_variations(client))
