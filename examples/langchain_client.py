"""Doses in a LangChain chain: the same story under an increasing dose, and a batch of headlines.

drugs serve -np 4 -c 4096           # in another terminal
python examples/langchain_client.py
"""

from __future__ import annotations

import argparse

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

SEED = 7


def chain(base_url: str, prompt: str, **drugs: float) -> Runnable[dict[str, str], str]:
    """A chain from the variables in ``prompt`` to a text. ``drugs``: angles by site in radians, and a seed.

    The client chooses the seed, because LangChain drops the field of the answer that contains it.
    """
    model = ChatOpenAI(
        base_url=base_url,
        api_key=SecretStr("none needed"),
        model="any",  # the server has only one
        temperature=0,
        max_completion_tokens=60,
        extra_body={"drugs": drugs},
    )
    return ChatPromptTemplate.from_messages([("user", prompt)]) | model | StrOutputParser()


def show_growing_dose(base_url: str) -> None:
    for angle in (0.0, 0.1, 0.2, 0.4):
        print(f"A={angle}: ", end="")
        story = chain(base_url, "Write one sentence that begins a story about {topic}.", A=angle, seed=SEED)
        for piece in story.stream({"topic": "a lighthouse"}):
            print(piece, end="", flush=True)
        print()


def show_headlines(base_url: str) -> None:
    headline = chain(base_url, "Write a newspaper headline about {topic}.", A=0.2, pV=0.2, seed=SEED)
    topics = ["the sea", "a cat", "the moon"]
    print("\nA=0.2, pV=0.2:")
    for topic, text in zip(topics, headline.batch([{"topic": topic} for topic in topics])):
        print(f"{topic}: {text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="http://127.0.0.1:8080/v1")
    base_url = parser.parse_args().base_url
    show_growing_dose(base_url)
    show_headlines(base_url)
