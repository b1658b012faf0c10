"""The independent model's side: all angles and seeds of a dose as the rows of one batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.fidelity.architectures import open_model
from benchmarks.fidelity.arrays import Arrays
from benchmarks.fidelity.divergence import changed, kl
from benchmarks.fidelity.model import Cache
from benchmarks.fidelity.protocol import F32, Dose, Shift, Text
from benchmarks.fidelity.rotation import FreshNumbers, Noise, Numbers
from benchmarks.fidelity.seeded import SeededNumbers


class ModelSide:
    """A :class:`Side` that follows the mathematics, by brute force."""

    def __init__(self, path: Path, arrays: Arrays) -> None:
        self._model = open_model(path, arrays)
        self._arrays = arrays
        self._begun: dict[Text, tuple[Cache, F32]] = {}

    def sober(self, text: Text) -> F32:
        return self._begin(text)[1]

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        sober = self.sober(text)
        kls, changes = [], []
        numbers = FreshNumbers(dose.noise, dose.settings, self._arrays)
        for wanted, logits in zip(sober, self._steps(text, dose, len(seeds), numbers)):
            kls.append(kl(wanted, logits))
            changes.append(changed(wanted, logits))
        shape = (len(dose.angles), len(seeds))
        return Shift(np.mean(kls, axis=0).reshape(shape), np.mean(changes, axis=0).reshape(shape))

    def dosed(self, text: Text, dose: Dose, seeds: range) -> F32:
        """Return logits under the engine's own random numbers, (n_angles, n_seeds, n_steps, n_vocab)."""
        numbers = SeededNumbers([*seeds] * len(dose.angles), dose.noise, dose.settings, self._arrays)
        logits = np.stack([*self._steps(text, dose, len(seeds), numbers)], axis=1)
        return np.asarray(logits.reshape(len(dose.angles), len(seeds), *logits.shape[1:]))

    def _steps(self, text: Text, dose: Dose, n_seeds: int, numbers: Numbers) -> Iterator[F32]:
        """Yield logits after each fed token, (n_rows, n_vocab)."""
        cache = self._begin(text)[0].fork(len(dose.angles) * n_seeds)
        largest = np.repeat(dose.angles, n_seeds).tolist()
        noise = Noise(dose, largest, len(text.prompt), numbers, self._arrays)
        for token in text.fed:
            yield self._arrays.to_numpy(self._model.step(token, cache, noise))

    def _begin(self, text: Text) -> tuple[Cache, F32]:
        """Return the cache after the prompt and the sober logits, computed once for all measurements of a text."""
        if text not in self._begun:
            cache = self._model.empty_cache(len(text.prompt) + len(text.fed))
            for token in text.prompt:
                self._model.step(token, cache)
            sober = cache.fork(1)
            logits = [self._arrays.to_numpy(self._model.step(token, sober)[0]) for token in text.fed]
            self._begun[text] = cache, np.stack(logits)
        return self._begun[text]
