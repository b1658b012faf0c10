"""What a model writes if it is loaded for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from drugs_cpp import Llama
from random_calls.believed import Settings

#: of the models here: tokens in the context, and in a batch
N_CTX = 96
N_BATCH = 16

#: letters and other signs, each a token
PROMPT = [1, 72, 101, 32, 115, 97, 105, 100, 44, 32, 110, 111, 58, 32, 33, 64]


def open_model(path: str, settings: Settings, repeatable: bool | None, sober_twin: bool = False) -> Llama:
    return Llama(
        path,
        drugs=settings.drugs,
        dose_inputs=settings.dose_inputs,
        sink=settings.sink,
        sober_interval=settings.sober_interval,
        repeatable=repeatable,
        sober_twin=sober_twin,
        n_ctx=N_CTX,
        n_batch=N_BATCH,
        n_threads=1,
        n_threads_batch=1,
        verbose=False,
    )


class Oracle:
    """Asks fresh models, each question once.

    Args:
        path: of the model's file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._texts: dict[tuple[object, ...], list[int]] = {}

    def text(self, settings: Settings, repeatable: bool | None, prompt: Sequence[int], seed: int, n: int) -> list[int]:
        """The first ``n`` new tokens after a prompt; fewer if the context ends."""
        with_seed = settings.copy()
        with_seed.drugs.seed = seed
        question = (str(with_seed), repeatable, tuple(prompt))
        known = self._texts.get(question, [])
        n = min(n, N_CTX - len(prompt))
        if len(known) < n:
            llm = open_model(self._path, with_seed, repeatable)
            known = self._texts[question] = list(islice(llm.generate(list(prompt)), n))
            llm.close()
        return known[:n]

    def sober_logits(self, repeatable: bool | None, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Logits of the last token, float32 (n_vocab,), without a dose."""
        llm = Llama(self._path, repeatable=repeatable, n_ctx=N_CTX, n_batch=N_BATCH, n_threads=1, verbose=False)
        llm.eval(list(tokens))
        logits = last_logits(llm)
        llm.close()
        return logits


def last_logits(llm: Llama) -> npt.NDArray[np.float32]:
    """Logits of the token evaluated last, float32 (n_vocab,)."""
    return np.ctypeslib.as_array(llm._ctx.get_logits(), shape=(llm.n_vocab(),)).copy()
