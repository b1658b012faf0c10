"""The PyTorch side: all angles and seeds of a dose as the rows of one batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks.fidelity.divergence import changed, kl
from benchmarks.fidelity.protocol import F32, Dose, Shift, Text
from benchmarks.fidelity.rotation import RandomTurn
from benchmarks.fidelity.torch_model import Cache, TorchLlama


class TorchSide:
    """A :class:`Side` that does what the mathematics say, by brute force."""

    def __init__(self, path: Path) -> None:
        torch.set_num_threads(1)  # the sides run beside each other, on a thread each
        self._model = TorchLlama(path)
        self._generator = torch.Generator().manual_seed(1)
        self._begun: dict[Text, tuple[Cache, F32]] = {}

    def sober(self, text: Text) -> F32:
        return self._begin(text)[1]

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        prompt, sober = self._begin(text)
        cache = prompt.fork(len(dose.angles) * len(seeds))
        turn = RandomTurn(dose.site, dose.noise, np.repeat(dose.angles, len(seeds)).tolist(), self._generator)
        kls, changes = [], []
        with torch.inference_mode():
            for token, wanted in zip(text.fed, sober):
                logits = self._model.step(token, cache, turn).numpy()
                kls.append(kl(wanted, logits))
                changes.append(changed(wanted, logits))
        shape = (len(dose.angles), len(seeds))
        return Shift(np.mean(kls, axis=0).reshape(shape), np.mean(changes, axis=0).reshape(shape))

    def _begin(self, text: Text) -> tuple[Cache, F32]:
        """The cache behind the prompt and the sober logits, computed once for the measurements of a text."""
        if text not in self._begun:
            with torch.inference_mode():
                cache = self._model.empty_cache(len(text.prompt) + len(text.fed))
                for token in text.prompt:
                    self._model.step(token, cache)
                sober = cache.fork(1)
                logits = [self._model.step(token, sober)[0].numpy() for token in text.fed]
            self._begun[text] = cache, np.stack(logits)
        return self._begun[text]
