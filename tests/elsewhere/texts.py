"""A dosed text of another system's program, beside that of this system."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import drugs_cpp

if TYPE_CHECKING:
    from elsewhere.systems import System

#: with a character that is not ASCII, as the name of the model's file has some
PROMPT = "The lighthouse keeper of Málaga opened the door and"
MODEL = "Süße Träume.gguf"
SEED = 1
N_TOKENS = 24
DOSE = 0.3

#: nats; two tokens whose log-probabilities are closer change places when sums are rounded differently
TIE = 0.1


_SCRIPT = f"""import sys
import drugs_cpp

sys.stdout.reconfigure(encoding="utf-8")
options = {{"n_ctx": 512, "n_threads": 2, "verbose": False}}
llm = drugs_cpp.Llama(drugs_cpp.default_model(), drugs={{"A": {DOSE}}}, seed={SEED}, **options)
print(llm.create_completion({PROMPT!r}, max_tokens={N_TOKENS}, temperature=0)["choices"][0]["text"])
"""


@dataclass(frozen=True)
class Text:
    """A text.

    Attributes:
        tokens: texts of its tokens.
        likely: of each token, the log-probabilities of the likely texts at its place, in nats.
    """

    tokens: list[str]
    likely: list[dict[str, float]]


def here() -> Text:
    """Return the dosed text of this system."""
    model = drugs_cpp.default_model()
    llm = drugs_cpp.Llama(model, drugs={"A": DOSE}, seed=SEED, n_ctx=512, logits_all=True, verbose=False)
    with contextlib.closing(llm):
        found = llm.create_completion(PROMPT, max_tokens=N_TOKENS, temperature=0, logprobs=5)["choices"][0]["logprobs"]
    assert found is not None
    return Text(found["tokens"], [likely or {} for likely in found["top_logprobs"] or []])


def there(system: System, program: Path, folder: Path) -> str:
    """Return the dosed text that a program ``drugs`` of another system continues the prompt with.

    Args:
        system: on which the program runs.
        program: without its suffix.
        folder: gets a link to the model.

    Raises:
        ValueError: it has failed; the text is what it has printed.
    """
    model = folder / MODEL
    model.unlink(missing_ok=True)
    model.symlink_to(drugs_cpp.default_model())
    options = ["-m", str(model), "-p", PROMPT, "-n", str(N_TOKENS), "-no-cnv", "--no-warmup"]
    run = system.run(program, "completion", *options, "--dose", f"A={DOSE}", "--dose-seed", str(SEED), "-t", "2")
    _, prompt, text = run.stdout.replace("\r\n", "\n").partition(PROMPT)
    if run.returncode or not prompt:
        raise ValueError(run.stdout + run.stderr)
    return text.rstrip("\n")


def of_python(system: System, python: Path, folder: Path) -> str:
    """Return the dosed text that another system's Python continues the prompt with.

    Args:
        system: of the Python.
        python: the program, without its suffix.
        folder: gets a script.

    Raises:
        ValueError: it has failed; the text is what it has printed.
    """
    script = folder / "text.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    run = system.run(python, str(script))
    if run.returncode:
        raise ValueError(run.stdout + run.stderr)
    return run.stdout.replace("\r\n", "\n").rstrip("\n")


def parting(here: Text, there: str) -> str | None:
    """Return None if the texts are the same or part at a tie, which is printed; otherwise what is wrong."""
    before = ""
    for token, likely in zip(here.tokens, here.likely):
        if not there.startswith(before + token):
            other = _continuing(likely, there[len(before) :])
            if other is None:
                return f"after {before!r}, {there[len(before) :]!r} is not likely here: {likely}"
            gap = likely[token] - likely[other]
            print(
                f"  the text parts from this system's after {before!r}: {token!r} and {other!r}, {gap:.3f} nats apart"
            )
            return None if gap < TIE else f"that is not a tie: {gap:.3f} nats, and {TIE} are the most"
        before += token
    print(f"  the text is the same: {before!r}")
    return None


def _continuing(likely: dict[str, float], text: str) -> str | None:
    """Return the longest of the likely tokens with which a text begins."""
    return max((token for token in likely if token and text.startswith(token)), key=len, default=None)
