"""``Uncertainty``: how sure an answer is, by how far dosed answers to the same question agree with it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_count
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.seed import consecutive_seeds
from drugs_cpp.doses.text import describe_doses
from drugs_cpp.engine.scorer import Scorer
from drugs_cpp.errors import OptionError
from drugs_cpp.markup import note, page, table, tag
from drugs_cpp.model.texts import TextOrder, Written, write_texts
from drugs_cpp.progress import Progress

if TYPE_CHECKING:
    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.markup import Html
    from drugs_cpp.model.chat_prompt import ChatPrompt


#: what of a text is its answer
KINDS = ("auto", "choice", "number", "text")

#: characters of an answer that a line shows
_SHOWN = 40


@dataclass(frozen=True)
class GivenAnswer:
    """An answer that texts give.

    Attributes:
        answer: as it is compared; "" where a text holds none.
        n: dosed texts that give it.
        text: of the first of them, the sober one before all.
        is_sober: it is the sober text's.
    """

    answer: str
    n: int
    text: str
    is_sober: bool


@dataclass(frozen=True)
class Uncertainty:
    """How sure an answer is.

    Attributes:
        text: the sober answer.
        score: how likely it is to be right, 0 to 1.
        agreement: share of the dosed answers that say the same.
        entropy: of the dosed answers, in nats.
        similarity: mean Rouge-L F1 of all pairs of dosed texts, 0 to 1.
        log_likelihood: mean of the sober text's tokens, in nats; 0 for an empty text.
        kind: what of a text was taken for its answer: "choice", "number" or "text".
        answers: which were given and how often, the most frequent first.
        drugs: doses of the dosed answers as plain values; of a dose by its effect also the angles, and under "source"
            how these were found.
        texts: the dosed ones.
        seeds: of their noise.
    """

    text: str
    score: float
    agreement: float
    entropy: float
    similarity: float
    log_likelihood: float
    kind: str
    answers: tuple[GivenAnswer, ...]
    drugs: dict[str, Any]
    texts: tuple[str, ...]
    seeds: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the server's field ``uncertainty`` has them."""
        names = ("score", "agreement", "entropy", "similarity", "log_likelihood", "kind")
        answers = [{"answer": one.answer, "n": one.n, "text": one.text} for one in self.answers]
        numbers = {name: getattr(self, name) for name in names}
        return {**numbers, "n": len(self.texts), "answers": answers, "drugs": self.drugs}

    @property
    def doses(self) -> str:
        """Doses of the dosed answers as a short text, such as ``medium, A=0.368``."""
        return describe_doses(self.drugs)

    def __str__(self) -> str:
        others = ", ".join(f"{_shortened(one.answer)} ({one.n})" for one in self.answers if one.n)
        return (
            f"{self.text}\n[{100 * self.score:.0f} % sure; of {len(self.texts)} answers under {self.doses}: {others}]"
        )

    def _repr_html_(self) -> Html:
        """What a notebook shows."""
        rows = [[tag("b", one.answer or "no answer") if one.is_sober else one.answer, one.n] for one in self.answers]
        return page(
            tag("p", self.text),
            note(f"{100 * self.score:.0f} % sure"),
            table(rows, ["answer", f"of {len(self.texts)} texts under {self.doses}"]),
        )


def _shortened(answer: str) -> str:
    return "no answer" if not answer else answer if len(answer) <= _SHOWN else f"{answer[: _SHOWN - 1]}…"


@dataclass(frozen=True)
class Question:
    """What ``uncertainty`` was asked.

    Attributes:
        prompt: its tokens, and where answers end.
        n: dosed answers, 1 or more.
        drugs: their doses.
        options: of their sampler, ``temp`` among them.
        seed: of the first one's noise.
        max_tokens: of each answer.
        kind: "auto", "choice", "number" or "text".
        n_parallel: answers decoded at a time; None: as many as memory has room for.
        dose_inputs: what of the prompt is dosed.
    """

    prompt: ChatPrompt
    n: int
    drugs: DRUGS
    options: dict[str, Any]
    seed: int
    max_tokens: int
    kind: str
    n_parallel: int | None
    dose_inputs: Inputs


def ask(engine: Engine, question: Question) -> Uncertainty:
    """Write the sober answer and the dosed ones in one batch, and compare them.

    Raises:
        as ``write_texts``; OptionError: an unknown kind; CountError: ``n`` or ``max_tokens`` below 1.
    """
    n = check_count("n", question.n, 1, "answers")
    check_count("max_tokens", question.max_tokens, 1)
    check_kind(question.kind)
    seeds = consecutive_seeds(question.seed, n)
    orders = [TextOrder(question.seed, DRUGS(), {"temp": 0.0})]
    orders += [TextOrder(seed, question.drugs, question.options) for seed in seeds]
    written: list[Written] = []
    # the sober answer gets the same bits beside any dose, and beside none
    repeatable = engine.dosing.repeatable is not False and _core.can_repeat(engine.session.address)
    dosing = engine.dosing.copied(question.dose_inputs, repeatable)
    texts = write_texts(engine, question.prompt, orders, question.max_tokens, question.n_parallel, dosing)
    with Progress(f"{len(orders)} answers", engine.settings.verbose) as progress:
        for one in texts:
            written.append(one)
            progress.show(f"{len(written)} of {len(orders)} answers")
        written.sort(key=lambda one: one.index)
        progress.show("reading the answer")
        likelihood = _log_likelihood(engine, question.prompt, written[0].tokens, repeatable)
    drugs = {**engine.effects.described(question.drugs.dosage), "seed": seeds[0]}
    return _compared([one.text for one in written], drugs, seeds, likelihood, question.kind)


def _compared(
    texts: Sequence[str], drugs: dict[str, Any], seeds: Sequence[int], log_likelihood: float, kind: str
) -> Uncertainty:
    """What texts come to, of which the first is the sober one."""
    answers = _core.compare_answers(texts[0], texts[1:], kind)
    given = [
        GivenAnswer(some["answer"], some["n"], texts[some["first"]], some["first"] == 0) for some in answers["groups"]
    ]
    return Uncertainty(
        text=texts[0],
        score=_core.confidence(answers["agreement"], log_likelihood),
        agreement=answers["agreement"],
        entropy=answers["entropy"],
        similarity=answers["similarity"],
        log_likelihood=log_likelihood,
        kind=answers["kind"],
        answers=tuple(given),
        drugs=drugs,
        texts=tuple(texts[1:]),
        seeds=tuple(seeds),
    )


def check_kind(kind: object) -> str:
    """Return what of a text is its answer.

    Raises:
        OptionError: no such kind.
    """
    if kind not in KINDS:
        raise OptionError(f"kind is {kind!r}: give {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return str(kind)


def _log_likelihood(engine: Engine, prompt: ChatPrompt, tokens: list[int], repeatable: bool) -> float:
    if not tokens:
        return 0.0
    with engine.session.use():
        scorer = Scorer(engine.settings, prompt.tokens, len(tokens), repeatable)
        with contextlib.closing(scorer):
            return float(np.mean(scorer.score(tokens).log_probs, dtype=np.float64))
