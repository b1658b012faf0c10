"""Questions about famous people's pets, half of which never existed: is a model less sure of its answers to those?

The author of DRµGS left such a list for later. He suspected that noise inside a model separates what it knows from what
it makes up.

    python examples/how_sure.py [model.gguf]
"""

from __future__ import annotations

import sys
from statistics import mean

import drugs_cpp

REAL = (
    ("Which president of the United States had a Scottish Terrier called Fala?", "roosevelt"),
    ("Which actress of 'Breakfast at Tiffany's' had a Yorkshire Terrier called Mr. Famous?", "hepburn"),
    ("Which British monarch had more than thirty corgis?", "elizabeth"),
    ("Which Spanish painter drew a Dachshund called Lump?", "picasso"),
    ("Which singer, the King of Rock and Roll, had a chimpanzee called Scatter?", "presley"),
    ("Which physicist, who thought of relativity, had a terrier called Chico?", "einstein"),
)

#: nobody had such a pet, so every answer is made up
INVENTED = (
    "Which British singer, known for 'Space Oddity', was inspired by his dog Max?",
    "Which two Greek actors, brothers, gave a bear a home to save a nature reserve?",
    "Which author of books about Middle-earth had a dog called Polly, who is in his stories?",
    "Which American comedienne had a rescued Havanese called Pontiac?",
    "Which French designer of the little black dress had a cat called Choupette?",
    "Which Swiss tennis champion had a parrot called Deuce, which counted his points?",
)

ASK = "{} Answer with the name alone."


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else str(drugs_cpp.default_model())
    llm = drugs_cpp.Llama(path, n_ctx=512, verbose=False)
    scores: dict[str, list[float]] = {"right": [], "wrong": [], "made up": []}
    for question, name in (*REAL, *((question, None) for question in INVENTED)):
        found = llm.uncertainty(ASK.format(question), n=10, seed=1, max_tokens=16, kind="text")
        what = "made up" if name is None else "right" if name in found.text.lower() else "wrong"
        scores[what].append(found.score)
        print(f"{found.score:.2f}  {what:8}  {question}  {found.text.strip()!r}")
    for what, some in scores.items():
        if some:
            print(f"{what}: {len(some)} answers, mean score {mean(some):.2f}")
    llm.close()


if __name__ == "__main__":
    main()
