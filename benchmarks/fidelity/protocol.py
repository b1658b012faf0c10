"""What both sides do: the kinds of noise, angles and texts, and the result of one measurement."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

NOISES = ("isotropic", "reference")
ANGLES = (0.1, 0.2, 0.35, 0.5)  # radians

#: first positions of a text that are never dosed, neither as the current token nor, for K and V, as a cached one
SINK = 6

#: tokens that are fed after the prompt
N_STEPS = 32

PROMPTS = (
    "Once upon a time, in a village at the edge of a large forest, there lived an old clockmaker who",
    "The water cycle describes how water moves between the oceans, the air and the land. First,",
    'def fibonacci(n):\n    """Return the first n Fibonacci numbers as a list."""\n',
)


class Text(NamedTuple):
    """A prompt, evaluated sober, and the tokens that are fed after it, one by one."""

    prompt: tuple[int, ...]
    fed: tuple[int, ...]


class Settings(NamedTuple):
    """Other settings of the noise, with the names and values of ``drugs_cpp.DRUGS``."""

    angle: str = "uniform"
    turn: str = "rotation"
    apart: int | None = None
    hold: int | str = 1
    layers: str = "own"
    course: tuple[tuple[int, float], ...] = ()  # tokens, counted from the first fed one, and ratios

    def times(self, position: int) -> int:
        """Return the position whose numbers are drawn at a position."""
        return 0 if self.hold == "text" else position // int(self.hold)

    def ratio(self, token: int) -> float:
        """Return the share of all angles that a token gets, on straight lines from point to point."""
        if not self.course:
            return 1.0
        tokens, ratios = zip(*self.course)
        return float(np.interp(token, tokens, ratios))


class Dose(NamedTuple):
    """Where, how and how far vectors are turned."""

    site: str
    noise: str
    angles: tuple[float, ...]  # largest angles in radians, each measured separately
    settings: Settings = Settings()


class Cell(NamedTuple):
    """One line of the table."""

    site: str
    noise: str
    angle: float  # largest angle in radians
    settings: Settings = Settings()


class Shift(NamedTuple):
    """How far a dose moves the next token's probabilities: means over the steps of each run."""

    kl: F64  # (..., n_runs), KL(sober || dosed) in nats
    changed: F64  # (..., n_runs), share of steps at which the most likely token differs


class Side(Protocol):
    """Something that computes a language model, dosed and sober."""

    def sober(self, text: Text) -> F32:
        """Return logits after each fed token, (n_steps, n_vocab)."""
        ...

    def shift(self, text: Text, dose: Dose, seeds: range) -> Shift:
        """Run the text under the dose, once for every angle and seed: (n_angles, n_seeds).

        A side whose noise is not a function of a seed draws fresh noise for each.
        """
        ...
