"""The texts on which the effect of a dose is measured. They never change, so that angles remain comparable."""

from __future__ import annotations

from drugs_cpp import _core
from drugs_cpp.engine.effect import FedText

#: how many tokens of each text are evaluated sober, and how many are fed under the dose
N_PROMPT, N_FED = 24, 32

#: change this name whenever the texts or the numbers above change
NAME = "texts 1"

FROZEN_TEXTS = (
    "The harbour was empty when they arrived. The ferry had left an hour earlier, and the woman at the kiosk was "
    "pulling down the shutter. She told them that there would be another boat at six in the morning, if the wind did "
    "not turn. They bought the last two rolls, sat down on the wall and watched the lights come on along the coast, "
    "one after the other, until the whole bay was marked out in yellow. Nobody spoke for a long time.",
    "Bread rises because yeast feeds on the sugars in flour and gives off carbon dioxide. The gas collects in small "
    "bubbles, and the gluten, a web of proteins that forms when the dough is kneaded, holds them in place. In the oven "
    "the bubbles grow once more before the crust sets. If the dough is too cold, the yeast works slowly, and the loaf "
    "stays dense; if it is too warm, the loaf rises fast and tastes of little.",
    "Question: What should I do first when my bicycle has a flat tyre?\n\nAnswer: Take the wheel off and look at the "
    "outside of the tyre for a nail, a thorn or a piece of glass. Then lift one side of the tyre over the rim with two "
    "levers, pull out the tube and pump it up a little. Hold it close to your ear and turn it slowly until you hear or "
    "feel the air. Mark the hole, let the air out and glue on a patch.",
    "In the spring of 1858 a company of engineers began to lay a cable across the ocean floor. Two ships met in the "
    "middle, joined their ends and sailed apart. The cable broke three times. On the fourth attempt both ships reached "
    "land, and messages could be sent from one continent to the other in minutes instead of weeks. It worked for less "
    "than a month, because the insulation failed, and a better cable followed only eight years later.",
)


def frozen_texts(vocab: int) -> list[FedText]:
    """Return the texts as tokens of a model; ``vocab``: address of its llama_vocab.

    Raises:
        PromptError: the model has no tokens for them.
    """
    all_tokens = [_core.tokenize(vocab, text.encode(), True, False) for text in FROZEN_TEXTS]
    return [FedText(tuple(some[:N_PROMPT]), tuple(some[N_PROMPT : N_PROMPT + N_FED])) for some in all_tokens]
