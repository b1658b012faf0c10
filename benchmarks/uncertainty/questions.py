"""Questions with known answers."""

from __future__ import annotations

import json
import operator
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drugs_cpp import _core
from drugs_cpp.study import Prompt

_LETTERS = "ABCD"

_N_SUMS = 150

#: answers with more tokens than this are long
_LONG = 100

_ASK_SUM = "What is {} {} {}? Answer with the number alone."

#: word, function, and the number below which both operands are
_OPERATIONS: tuple[tuple[str, Callable[[int, int], int], int], ...] = (
    ("plus", operator.add, 100),
    ("minus", operator.sub, 100),
    ("times", operator.mul, 13),
)


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        prompt: what the model is asked.
        right: the right answers, in the form in which answers are compared.
    """

    prompt: Prompt
    right: frozenset[str]


@dataclass(frozen=True)
class DataSet:
    """Questions of one kind.

    Attributes:
        name: of the set.
        kind: which part of a text is its answer, as in ``Llama.uncertainty``.
        questions: in the order of the file.
        max_tokens: maximum length of an answer.
        n_answers: number of varied answers to each question.
    """

    name: str
    kind: str
    questions: tuple[Question, ...]
    max_tokens: int
    n_answers: int

    def known(self, share: float) -> float:
        """Return the share of answers that a model knows, assuming that it guesses those that it does not know.

        Args:
            share: the share of right answers.
        """
        guessed = 1 / len(_LETTERS) if self.kind == "choice" else 0.0
        return (share - guessed) / (1 - guessed)

    @property
    def is_long(self) -> bool:
        """Whether answers are so long that only some ways to vary them are tried."""
        return self.max_tokens > _LONG

    def is_right(self, question: Question, text: str) -> bool:
        """Return whether a text has the right answer to a question."""
        return _core.answer_of(text, self.kind) in question.right


#: the names of all data sets
NAMES = ("trivia", "NQ-open", "small-sums", "sums", "GSM8K")


def data_sets(folder: Path, names: Sequence[str] | None = None) -> list[DataSet]:
    """Return the data sets.

    Args:
        folder: the folder with the files.
        names: names of the data sets to return; None: all.
    """
    found = [
        _read(folder / "trivia_choice_1200.jsonl", "trivia", "choice", _trivia, 200, 8, 10),
        _read(folder / "nq_open_dev_1000.jsonl", "NQ-open", "text", _short, 200, 24, 10),
        _small_sums(),
        _sums(),
        _read(folder / "gsm8k_test_400.jsonl", "GSM8K", "number", _word_problem, 100, 256, 5),
    ]
    return [data for data in found if names is None or data.name in names]


def _read(
    path: Path,
    name: str,
    kind: str,
    make: Callable[[Any], tuple[str, Sequence[str]]],
    n: int,
    max_tokens: int,
    n_answers: int,
) -> DataSet:
    questions = []
    for i, row in enumerate(path.read_text(encoding="utf-8").splitlines()[:n]):
        text, right = make(json.loads(row))
        answers = frozenset(_core.answer_of(answer, kind) for answer in right) - {""}
        questions.append(Question(Prompt(f"{name} {i}", (("user", text),)), answers))
    return DataSet(name, kind, tuple(questions), max_tokens, n_answers)


def _sums() -> DataSet:
    """Return small sums, for models that know little else; all sums are different."""
    draw = random.Random(1)
    questions: dict[str, Question] = {}
    while len(questions) < _N_SUMS:
        word, compute, most = draw.choice(_OPERATIONS)
        a, b = sorted((draw.randrange(2, most), draw.randrange(2, most)), reverse=True)
        text = _ASK_SUM.format(a, word, b)
        prompt = Prompt(f"sums {len(questions)}", (("user", text),))
        questions.setdefault(text, Question(prompt, frozenset([str(compute(a, b))])))
    return DataSet("sums", "number", tuple(questions.values()), 24, 10)


def _small_sums() -> DataSet:
    """Return all sums of about one digit, for models that know almost nothing."""
    pairs = {
        "plus": [(a, b, a + b) for a in range(2, 13) for b in range(2, a + 1)],
        "minus": [(a, b, a - b) for a in range(2, 13) for b in range(2, a)],
        "times": [(a, b, a * b) for a in range(2, 10) for b in range(2, a + 1)],
    }
    sums = [(_ASK_SUM.format(a, word, b), result) for word, some in pairs.items() for a, b, result in some]
    questions = [
        Question(Prompt(f"small sums {i}", (("user", text),)), frozenset([str(result)]))
        for i, (text, result) in enumerate(sums)
    ]
    return DataSet("small-sums", "number", tuple(questions), 24, 10)


def _trivia(row: Any) -> tuple[str, Sequence[str]]:
    choices = "\n".join(f"{letter}) {choice}" for letter, choice in zip(_LETTERS, row["choices"]))
    return (
        f"{row['question']}\n\n{choices}\n\nAnswer with one letter.",
        [_LETTERS[row["choices"].index(row["answer"])]],
    )


def _short(row: Any) -> tuple[str, Sequence[str]]:
    return f"{row['question'].capitalize()}? Answer with a name, a date or a number, and nothing else.", row["answer"]


def _word_problem(row: Any) -> tuple[str, Sequence[str]]:
    right = re.findall(r"#### *(\S+)", row["answer"])
    return f"{row['question']}\nThink step by step. The last line of the answer is the number alone.", right
