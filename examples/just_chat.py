"""A chat with Alan Watts, under a dose. While you type, the model takes a cold shower.

python examples/just_chat.py                                        # with the small default model
python examples/just_chat.py -m model.gguf --dose A=0.2,H=0.1 --seed 3

Ctrl-C interrupts an answer; while you type, it ends the chat, as Ctrl-D does.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from typing import Any

import drugs_cpp
from drugs_cpp import DRUGS, ContextOverflowError, DrugsError, Llama
from drugs_cpp.doses.text import read_doses

WATTS = (
    "You are Alan Watts. You talk with a friend, in a warm and playful voice, about whatever comes up, "
    "and find something of Zen in it. You answer in a few sentences."
)

Message = dict[str, str]


def read_line() -> str | None:
    """Return what the user types; None at the end of the input."""
    try:
        said = input("\nyou: ")
    except (EOFError, KeyboardInterrupt):
        print()
        return None
    if not sys.stdin.isatty():  # a terminal does not echo input from a file or a pipe
        print(said)
    return said.strip()


def forget_oldest(llm: Llama, messages: list[Message], max_tokens: int) -> None:
    """Make room for an answer: remove the oldest questions and answers, and keep the system message."""
    a_template_adds = 10  # tokens per message

    def n_tokens() -> int:
        return sum(len(llm.tokenize(message["content"].encode())) + a_template_adds for message in messages)

    while len(messages) > 2 and n_tokens() + max_tokens > llm.n_ctx():
        del messages[1:3]


def answer(llm: Llama, messages: list[Message], max_tokens: int) -> str:
    """Print an answer as it comes. Returns it, or the part before Ctrl-C."""
    ask: Any = llm.create_chat_completion
    text = ""
    print("Alan: ", end="", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        for chunk in ask(messages, max_tokens=max_tokens, stream=True):
            piece = chunk["choices"][0]["delta"].get("content") or ""
            print(piece, end="", flush=True)
            text += piece
    print()
    return text


def chat(llm: Llama, max_tokens: int) -> None:
    """Question and answer, until there are no more questions."""
    messages = [{"role": "system", "content": WATTS}]
    while (said := read_line()) is not None:
        if not said:
            continue
        messages.append({"role": "user", "content": said})
        forget_oldest(llm, messages, max_tokens)
        try:
            text = answer(llm, messages, max_tokens)
        except ContextOverflowError as error:
            print(f"({error})")
            messages.pop()
            continue
        messages.append({"role": "assistant", "content": text})
        n_tokens = llm.cold_shower(block=False)  # runs in the background until the model is needed
        print(f"(a cold shower: {n_tokens} tokens are computed again, sober, while you type)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", help="path of a GGUF file (the default model)")
    parser.add_argument("--dose", default="A=0.2,H=0.1", help="largest angles by site, in radians (%(default)s)")
    parser.add_argument("--seed", type=int, help="to repeat the same chat")
    parser.add_argument("-n", "--max-tokens", type=int, default=200, help="length limit of an answer (%(default)s)")
    parser.add_argument("-c", "--n-ctx", type=int, default=4096, help="size of the context in tokens (%(default)s)")
    given = parser.parse_args()
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    try:
        drugs = DRUGS(read_doses(given.dose))
        llm = Llama(
            given.model or drugs_cpp.default_model(), drugs=drugs, seed=given.seed, n_ctx=given.n_ctx, verbose=False
        )
        with contextlib.closing(llm):
            chat(llm, given.max_tokens)
    except (DrugsError, OSError) as error:
        print(f"just_chat: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while the model was loading
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
