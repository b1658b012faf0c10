"""Invalid calls: what each must raise. None of them may change anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llama_cpp.llama_grammar import LlamaGrammar

from drugs_cpp import (
    DRUGS,
    ContextOverflowError,
    CountError,
    DoseError,
    Llama,
    OptionError,
    PromptError,
    SeedError,
    StateError,
    TokenError,
)
from random_calls.oracle import N_CTX, PROMPT

TOO_LONG = [33] * (N_CTX + 1)

MISTAKES: dict[str, tuple[Callable[[Any], object], type[Exception]]] = {
    "eval: no such token": (lambda llm: llm.eval([33, 128]), TokenError),
    "eval: below the first token": (lambda llm: llm.eval([-1]), TokenError),
    "eval: too long": (lambda llm: llm.eval(TOO_LONG), ContextOverflowError),
    "generate: no such token": (lambda llm: next(llm.generate([33, 128])), TokenError),
    "generate: too long": (lambda llm: next(llm.generate(TOO_LONG)), ContextOverflowError),
    "generate: temperature": (lambda llm: next(llm.generate(PROMPT, temp=float("nan"))), OptionError),
    "completion: no such token": (lambda llm: llm.create_completion([33, 128]), TokenError),
    "completion: too long": (lambda llm: llm.create_completion(TOO_LONG), ContextOverflowError),
    "completion: temperature": (lambda llm: llm.create_completion(PROMPT, temperature=float("inf")), OptionError),
    "completion: seed": (lambda llm: llm.create_completion(PROMPT, seed=2**32), SeedError),
    "completion: grammar": (
        lambda llm: llm.create_completion(PROMPT, grammar=LlamaGrammar.from_string("root ::= [")),
        OptionError,
    ),
    "completion: bias": (lambda llm: llm.create_completion(PROMPT, logit_bias={128: 1.0}), TokenError),
    "Dgenerate: no such token": (lambda llm: llm.Dgenerate([128]), TokenError),
    "Dgenerate: two sequences": (lambda llm: llm.Dgenerate(np.ones((2, 3), dtype=np.int64)), TokenError),
    "Dgenerate: numbers": (lambda llm: llm.Dgenerate(np.ones(3)), TokenError),
    "Dgenerate: too long": (lambda llm: llm.Dgenerate(TOO_LONG), ContextOverflowError),
    "Dgenerate: no tokens wanted": (lambda llm: llm.Dgenerate([33], max_new_tokens=0), CountError),
    "Dgenerate: past": (lambda llm: llm.Dgenerate([33], past_key_values=()), StateError),
    "variations: n": (lambda llm: llm.variations(PROMPT, n=0), CountError),
    "variations: seeds": (lambda llm: llm.variations(PROMPT, n=3, seeds=[1, 2]), CountError),
    "variations: seed": (lambda llm: llm.variations(PROMPT, seeds=[-2]), SeedError),
    "variations: no prompt": (lambda llm: llm.variations(), PromptError),
    "variations: empty prompt": (lambda llm: llm.variations([]), PromptError),
    "variations: too long": (lambda llm: llm.variations(TOO_LONG), ContextOverflowError),
    "variations: no such token": (lambda llm: llm.variations([128]), TokenError),
    "variations: stop": (lambda llm: llm.variations(PROMPT, stop=[3]), OptionError),
    "variations: n_parallel": (lambda llm: llm.variations(PROMPT, n=2, n_parallel=0), CountError),
    "sink": (lambda llm: setattr(llm, "sink", -1), CountError),
    "sober_interval": (lambda llm: setattr(llm, "sober_interval", 0), CountError),
    "set_seed": (lambda llm: llm.set_seed(2**32), SeedError),
    "drugs: no such site": (lambda llm: setattr(llm, "drugs", {"B": 0.3}), DoseError),
    "drugs: no doses": (lambda llm: setattr(llm, "drugs", 0.3), TypeError),
    "drugs: angle": (lambda llm: setattr(llm, "drugs", {"A": 4}), DoseError),
    "drugs: in place": (lambda llm: llm.drugs.set_dose_theta(-0.1, "A"), DoseError),
    "adopt": (lambda llm: Llama.adopt(llm, drugs={"A": float("nan")}), DoseError),
    "shape": (lambda llm: llm.drugs.set_dose_shape([], site="A"), DoseError),
    "embed": (lambda llm: llm.embed("hello"), RuntimeError),  # upstream's: the model was not loaded for that
    "state of nothing": (lambda llm: llm.load_state(DRUGS()), TypeError),
}
