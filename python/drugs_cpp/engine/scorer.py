"""``Scorer``: what the sober model says of texts that continue a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drugs_cpp import _core
from drugs_cpp.engine.prefix import common_prefix
from drugs_cpp.engine.slots import Slots
from drugs_cpp.errors import OptionError

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.engine.settings import ModelSettings

    F32 = npt.NDArray[np.float32]

#: how many tokens are evaluated at a time; their logits, n_vocab numbers each, are in memory together
_TOGETHER = 128


class Score(NamedTuple):
    """The sober model's score of a text's tokens.

    Attributes:
        log_probs: natural logarithm of each token's probability given those before it, float32 (n_tokens,).
        states: the last layer's output at each token, after the final norm, float32 (n_tokens, n_embd).
    """

    log_probs: F32
    states: F32


class Scorer:
    """Reads texts in a context of its own. A prefix that a text shares with the previous one is read only once.

    Args:
        settings: of the model.
        prompt: its tokens, at least one.
        n_tokens: of the longest text.
        repeatable: each token gets the same bits in any batch, so a score does not depend on earlier texts.
    """

    def __init__(self, settings: ModelSettings, prompt: Sequence[int], n_tokens: int, repeatable: bool) -> None:
        self._slots = Slots(settings, 1, len(prompt) + n_tokens)
        self._slots.compute_repeatably(repeatable)
        self._n_prompt = len(prompt)
        self._goes_back = repeatable and not settings.forgets_positions
        self._first = self._slots.set_prompt(prompt).copy()  # logits after it
        self._tokens: npt.NDArray[np.intc] = np.zeros(0, np.intc)  # of the last text
        self._score = Score(np.zeros(0, np.float32), np.zeros((0, 0), np.float32))

    def close(self) -> None:
        """Free the memory."""
        self._slots.close()

    def score(self, tokens: Sequence[int] | npt.NDArray[np.int32]) -> Score:
        """Score a text of at least one token."""
        given = np.asarray(tokens, np.intc)
        shared = common_prefix(self._tokens, given) if self._goes_back else 0
        if shared < len(given):
            self._score = self._read(given, shared)
            self._tokens = given
        return Score(self._score.log_probs[: len(given)], self._score.states[: len(given)])

    def _read(self, tokens: npt.NDArray[np.intc], shared: int) -> Score:
        """Read a text that shares its first ``shared`` tokens with the last one; the last of these is read again."""
        first = max(0, shared - 1)
        self._slots.begin(0) if first == 0 else _core.shorten(self._slots.address, 0, self._n_prompt + first)
        log_probs = [] if shared else [_log_prob(self._first, tokens[0])]
        states: list[F32] = []
        _core.trace_begin(self._slots.address, hidden=[], heads=[], attention=[], norm=True, logits=True)
        try:
            for start in range(first, len(tokens), _TOGETHER):
                some = tokens[start : start + _TOGETHER]
                self._slots.evaluate(0, some.tolist(), self._n_prompt + start, outputs=True)
                followers = tokens[start + 1 : start + 1 + len(some)]
                log_probs += [_log_prob(row[0], token) for row, token in zip(self._part("logits"), followers)]
                states += [row[0] for row in self._part("norm")]
                _core.trace_clear(self._slots.address)
        finally:
            _core.trace_end(self._slots.address)
        old = self._score
        return Score(
            np.concatenate([old.log_probs[:shared], np.array(log_probs, np.float32)]),
            np.concatenate([old.states[:first], np.stack(states)]) if first else np.stack(states),
        )

    def _part(self, name: str) -> list[F32]:
        rows = _core.trace_part(self._slots.address, name, 0)
        if rows is None:
            raise OptionError(f"this model has no {name} to read, so its texts cannot be scored: choose another model")
        return rows


def _log_prob(logits: F32, token: int) -> float:
    """Return the natural logarithm of a token's probability; logits: float32 (n_vocab,)."""
    most = logits.max()
    return float(logits[token] - most) - float(np.log(np.exp(logits - most).sum(dtype=np.float64)))
