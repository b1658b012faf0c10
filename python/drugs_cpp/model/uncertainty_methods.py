"""How sure an answer is, as a method of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drugs_cpp import _core
from drugs_cpp.doses.drugs import DRUGS, as_drugs
from drugs_cpp.doses.seed import check_seed, fresh_seed
from drugs_cpp.engine.inputs import LAST, check_inputs
from drugs_cpp.engine.sampling import check_numbers
from drugs_cpp.errors import OptionError, PromptError
from drugs_cpp.model.trace_methods import TraceMethods
from drugs_cpp.model.uncertainty import Question, ask

if TYPE_CHECKING:
    from drugs_cpp.doses.drugs import DrugsLike
    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.model.completion_arguments import Messages
    from drugs_cpp.model.uncertainty import Uncertainty


def usual_doses() -> DRUGS:
    """Doses of the dosed answers where none are given."""
    return DRUGS(json.loads(_core.usual_doses()))


class UncertaintyMethods(TraceMethods):
    """What :class:`drugs_cpp.Llama` knows of how sure it is."""

    def uncertainty(
        self,
        question: str | Messages | None = None,
        n: int = 10,
        drugs: DrugsLike = None,
        *,
        prompt: str | Sequence[int] | None = None,
        temperature: float = 0.0,
        seed: int | None = None,
        max_tokens: int = 256,
        kind: str = "auto",
        n_parallel: int | None = None,
        dose_inputs: Inputs = LAST,
    ) -> Uncertainty:
        """Answer a question sober, and say how sure the answer is: by how far dosed answers agree with it.

        All answers are decoded together. The cache, doses and seeds of the model stay as they are.

        Args:
            question: a text, as the only message of a conversation, or the messages of one.
            n: dosed answers, 1 or more.
            drugs: their doses. None: of medium effect, in the MLPs of the last third of the layers, one draw for the
                whole answer and all layers, which adds most to the sober answer's likelihood (docs/uncertainty.md).
            prompt: instead of a question: a text to continue, or token ids.
            temperature: of the dosed answers; 0 takes the most likely token.
            seed: of the first dosed answer; the others have those that follow. None: that of the doses, else a fresh
                one.
            max_tokens: of each answer.
            kind: what of a text is its answer. "choice": a letter; "number": the last one in it; "text": its first
                line, without articles and punctuation; "auto": what the sober answer looks like.
            n_parallel: answers decoded at a time. None: as many as memory has room for.
            dose_inputs: what of the prompt is dosed for the dosed answers: "last": its last position, so that already
                the first new token may differ; True: all of it; False: nothing.

        Raises:
            PromptError: no question, an empty one, or a question and a prompt.
            OptionError: an unknown kind; a temperature that cannot be used.
            CountError: ``n``, ``max_tokens`` or ``n_parallel`` below 1.
            DoseError: a dose at a site that the model lacks.
            SeedError: a seed out of range.
            ContextOverflowError, MemoryLimitError, BusyError: as for ``variations``.
        """
        engine = self.engine
        check_numbers({"temp": temperature})
        if temperature < 0:
            raise OptionError(f"temperature is {temperature!r}: give 0, for the most likely token, or more")
        doses = usual_doses() if drugs is None else as_drugs(drugs)
        given = check_seed(seed)
        given = doses.seed if given is None else given
        asked = Question(
            prompt=self.prompt_of(prompt, _messages(question)),
            n=n,
            drugs=doses,
            options={"temp": temperature, **_NEUTRAL},
            seed=fresh_seed() if given is None else given,
            max_tokens=max_tokens,
            kind=kind,
            n_parallel=n_parallel,
            dose_inputs=check_inputs(dose_inputs),
        )
        return ask(engine, asked)


#: of llama.cpp's sampler: nothing but the temperature decides
_NEUTRAL = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}


def _messages(question: str | Messages | None) -> Messages | None:
    if not isinstance(question, str):
        return question
    if not question.strip():
        raise PromptError("the question is empty: give some text")
    return [{"role": "user", "content": question}]
