"""``EffectMeter``: how far a dose moves the probabilities of the next token, measured on given texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.engine.dosing import SequenceDose
    from drugs_cpp.engine.slots import Slots

    F32 = npt.NDArray[np.float32]
    F64 = npt.NDArray[np.float64]

#: how many rows of logits, n_vocab numbers each, are in memory at a time
_TOGETHER = 128


class FedText(NamedTuple):
    """A text that is fed to the model, whatever the model itself would have written.

    Attributes:
        prompt: tokens that are evaluated sober, at least one.
        fed: tokens that are evaluated under the dose, at least two.
    """

    prompt: tuple[int, ...]
    fed: tuple[int, ...]


@dataclass(frozen=True)
class Effect:
    """What a dose did, each as float64 (n_texts, n_seeds).

    Attributes:
        kl: mean over the fed tokens of KL(sober ‖ dosed) of the next token, in nats.
        changed: share of the fed tokens after which another token is the most likely one.
        nll: mean rise of the negative log-likelihood of the next fed token, in nats.
    """

    kl: F64
    changed: F64
    nll: F64


class _Sober(NamedTuple):
    """What the sober model says after each fed token."""

    probs: F32  # (n_fed, n_vocab)
    information: F64  # sum of p log p, (n_fed)
    best: npt.NDArray[np.intp]  # (n_fed)
    log_probs: F64  # of the next fed token, (n_fed - 1)


class EffectMeter:
    """Feeds texts in slots under a dose, and compares the results with the sober model on the same texts.

    A prompt is evaluated sober, and what comes after it under the dose, with a cache for each seed. The fed tokens are
    known in advance, so many of them make one batch: noise belongs to positions, not to batches.

    Args:
        slots: that nothing else uses in the meantime.
        n_slots: seeds at a time.
        texts: to feed.
    """

    def __init__(self, slots: Slots, n_slots: int, texts: Sequence[FedText]) -> None:
        self._slots = slots
        self._n_slots = n_slots
        self._texts = texts
        self._sober: dict[int, _Sober] = {}

    def measure(self, doses: Callable[[int, int], SequenceDose], seeds: Sequence[int]) -> Effect:
        """Feed all texts under a dose.

        Args:
            doses: returns the dose of a sequence, given its seed and the number of positions before the fed tokens.
            seeds: of the noise.
        """
        found = np.array([self._of_text(index, doses, seeds) for index in range(len(self._texts))])
        return Effect(*np.moveaxis(found, -1, 0))

    def _of_text(self, index: int, doses: Callable[[int, int], SequenceDose], seeds: Sequence[int]) -> F64:
        """Return KL, share changed and rise of the NLL by seed, (n_seeds, 3)."""
        text, sober = self._texts[index], self._sober_of(index)
        found: list[F64] = []
        for first in range(0, len(seeds), self._n_slots):
            some = seeds[first : first + self._n_slots]
            self._slots.set_prompt(text.prompt)
            for slot, seed in enumerate(some):
                self._slots.begin(slot)
                self._slots.dose(slot, doses(seed, len(text.prompt)))
            sums = np.zeros((len(some), 3))
            for start, logits in self._feed(text, len(some)):
                sums += _compare(sober, text.fed, start, logits)
            found.extend(sums / [len(text.fed), len(text.fed), len(text.fed) - 1])
            for slot in range(len(some)):
                self._slots.dose(slot, None)
        return np.array(found)

    def _sober_of(self, index: int) -> _Sober:
        if index not in self._sober:
            text = self._texts[index]
            self._slots.set_prompt(text.prompt)
            self._slots.begin(0)
            self._sober[index] = _sober(np.concatenate([part[0].copy() for _, part in self._feed(text, 1)]), text.fed)
        return self._sober[index]

    def _feed(self, text: FedText, n_slots: int) -> Iterator[tuple[int, F32]]:
        """Feed a text to the first slots; yields the first token's number and logits (n_slots, n_tokens, n_vocab)."""
        slots = list(range(n_slots))
        n_step = max(1, min(_TOGETHER, self._slots.n_batch) // n_slots)
        for start in range(0, len(text.fed), n_step):
            tokens = text.fed[start : start + n_step]
            yield start, self._slots.evaluate_in_each(slots, tokens, len(text.prompt) + start)


def _sober(logits: F32, fed: Sequence[int]) -> _Sober:
    """Return what dosed results are compared with; logits (n_fed, n_vocab)."""
    log_probs = logits - logits.max(-1, keepdims=True) - _log_sum(logits)[:, None]
    probs = np.exp(log_probs)
    rows = np.arange(len(fed) - 1)
    return _Sober(probs.astype(np.float32), (probs * log_probs).sum(-1), logits.argmax(-1), log_probs[rows, fed[1:]])


def _log_sum(logits: F32) -> F64:
    """log(sum(exp(l - max(l)))) of logits l over the last axis."""
    sums: F64 = np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, dtype=np.float64))
    return sums


def _compare(sober: _Sober, fed: Sequence[int], start: int, logits: F32) -> F64:
    """Return sums over some fed tokens of KL, changes and rise of the NLL, (n_slots, 3); logits as from ``_feed``."""
    found = np.zeros((len(logits), 3))
    for row in range(logits.shape[1]):
        here, token = logits[:, row], start + row
        log_probs = here - here.max(-1, keepdims=True) - _log_sum(here)[:, None]  # (n_slots, n_vocab), float64
        found[:, 0] += sober.information[token] - log_probs @ sober.probs[token].astype(np.float64)
        found[:, 1] += here.argmax(-1) != sober.best[token]
        if token + 1 < len(fed):
            found[:, 2] += sober.log_probs[token] - log_probs[:, fed[token + 1]]
    return found
