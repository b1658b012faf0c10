"""The independent model's side: all angles and seeds of a dose as the rows of one batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.fidelity.arrays import Arrays
from benchmarks.fidelity.divergence import changed, kl
from benchmarks.fidelity.model import Cache, LlamaModel
from benchmarks.fidelity.protocol import F32, Dose, Shift, Text
from benchmarks.fidelity.rotation import RandomTurn


class ModelSide:
    """A :class:`Side` that does what the mathematics say, by brute force."""

    def __init__(self, path: Path, arrays: Arrays) -> None:
        self._model = LlamaModel(path, arrays)
        self._arrays = arrays
        self._begun: dict[Text, tuple[Cache, F32]] = {}

    def sober(self, text: Text) -> F32:
        return self._begin(text)[1]

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        prompt, sober = self._begin(text)
        cache = prompt.fork(len(dose.angles) * len(seeds))
        turn = RandomTurn(dose.site, dose.noise, np.repeat(dose.angles, len(seeds)).tolist(), self._arrays)
        kls, changes = [], []
        for token, wanted in zip(text.fed, sober):
            logits = self._arrays.to_numpy(self._model.step(token, cache, turn))
            kls.append(kl(wanted, logits))
            changes.append(changed(wanted, logits))
        shape = (len(dose.angles), len(seeds))
        return Shift(np.mean(kls, axis=0).reshape(shape), np.mean(changes, axis=0).reshape(shape))

    def _begin(self, text: Text) -> tuple[Cache, F32]:
        """The cache behind the prompt and the sober logits, computed once for the measurements of a text."""
        if text not in self._begun:
            cache = self._model.empty_cache(len(text.prompt) + len(text.fed))
            for token in text.prompt:
                self._model.step(token, cache)
            sober = cache.fork(1)
            logits = [self._arrays.to_numpy(self._model.step(token, sober)[0]) for token in text.fed]
            self._begun[text] = cache, np.stack(logits)
        return self._begun[text]
