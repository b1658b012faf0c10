"""The engine's side: one run after the other, each with its own seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np

import drugs_cpp
from benchmarks.fidelity.divergence import changed, kl
from benchmarks.fidelity.protocol import F32, N_STEPS, SINK, Dose, Shift, Text
from drugs_cpp import DRUGS


class EngineSide:
    """A :class:`Side` that uses ``drugs_cpp.Llama``."""

    def __init__(self, path: Path, cache_type: int = llama_cpp.GGML_TYPE_F16) -> None:
        self._llm = drugs_cpp.Llama(
            path,
            n_ctx=256,
            n_threads=1,
            n_threads_batch=1,
            sink=SINK,
            type_k=cache_type,
            type_v=cache_type,
            verbose=False,
        )
        self._prompt: tuple[int, ...] = ()  # what the cache begins with
        self._sober: dict[Text, F32] = {}

    def text(self, prompt: str) -> Text:
        """Return a prompt with its sober greedy continuation."""
        tokens = tuple(self._llm.tokenize(prompt.encode()))
        self._prompt = ()  # so that the logits are those after the prompt
        self._begin(tokens)
        fed: list[int] = []
        while len(fed) < N_STEPS:
            fed.append(int(self._logits().argmax()))
            self._llm.eval(fed[-1:], dosed=False)
        return Text(tokens, tuple(fed))

    def sober(self, text: Text) -> F32:
        if text not in self._sober:
            self._sober[text] = self._run(text, dosed=False)
        return self._sober[text]

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        sober = self.sober(text)
        kls, changes = np.zeros((2, len(dose.angles), len(seeds)))
        for i, angle in enumerate(dose.angles):
            for j, seed in enumerate(seeds):
                dosed = self._one(text, dose, angle, seed)
                kls[i, j] = kl(sober, dosed).mean()
                changes[i, j] = changed(sober, dosed).mean()
        return Shift(kls, changes)

    def dosed(self, text: Text, dose: Dose, seeds: range) -> F32:
        """Return logits under a dose, (n_angles, n_seeds, n_steps, n_vocab)."""
        return np.stack([np.stack([self._one(text, dose, angle, seed) for seed in seeds]) for angle in dose.angles])

    def _one(self, text: Text, dose: Dose, angle: float, seed: int) -> F32:
        self._llm.drugs = drugs(dose, angle, seed)
        return self._run(text, dosed=True)

    def close(self) -> None:
        self._llm.close()

    def _begin(self, prompt: tuple[int, ...]) -> None:
        """Leave only the prompt in the cache; the same prompt is not computed again."""
        if self._prompt != prompt:
            self._llm.reset()
            self._llm.eval(prompt, dosed=False)
            self._prompt = prompt
        self._llm.n_tokens = len(prompt) - 1  # the next eval drops what comes after,
        self._llm.eval(prompt[-1:], dosed=False)  # and an answer begins after its tokens

    def _run(self, text: Text, dosed: bool) -> F32:
        self._begin(text.prompt)
        return np.stack([self._feed([token], dosed) for token in text.fed])

    def _feed(self, tokens: Sequence[int], dosed: bool) -> F32:
        self._llm.eval(tokens, dosed=dosed)
        return self._logits()

    def _logits(self) -> F32:
        """Return the logits after the last token, (n_vocab)."""
        return np.ctypeslib.as_array(self._llm._ctx.get_logits(), shape=(self._llm.n_vocab(),)).copy()


def drugs(dose: Dose, angle: float, seed: int) -> DRUGS:
    """Return a dose at one site of every layer."""
    said = dose.settings
    return DRUGS(
        {dose.site: angle},
        noise=dose.noise,
        angle=said.angle,
        turn=said.turn,
        apart=said.apart,
        hold={dose.site: said.hold},
        layers=said.layers,
        course=[{"token": token, "ratio": ratio} for token, ratio in said.course] or None,
        seed=seed,
    )
