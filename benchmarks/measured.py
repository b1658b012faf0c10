"""Samples of one quantity, and how a table and a file show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RATIO = "ratio"


@dataclass(frozen=True, eq=False)
class Measured:
    """Samples of one quantity, one per round.

    Attributes:
        samples: float64 (n_rounds,), with none left out.
        unit: of the samples.
        digits: decimal places in a table.
        of: for a ratio, the side that it is a ratio to.
    """

    samples: npt.NDArray[np.float64]
    unit: str
    digits: int = 1
    of: str | None = None

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float64).reshape(-1)
        if not samples.size:
            raise ValueError("nothing was measured: there has to be at least one round")
        object.__setattr__(self, "samples", samples)

    @property
    def median(self) -> float:
        return float(np.median(self.samples))

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(self.samples, [25, 75])
        return float(low), float(high)

    def against(self, other: Measured, name: str, digits: int = 3) -> Measured:
        """Return ratios to another side's samples of the same rounds, so that what slows a whole round cancels out."""
        return Measured(self.samples / other.samples, RATIO, digits, name)

    def __str__(self) -> str:
        low, high = self.quartiles
        spread = f" ({low:.{self.digits}f} to {high:.{self.digits}f})" if self.samples.size > 1 else ""
        of = f" of {self.of}" if self.of else ""
        return f"{self.median:.{self.digits}f}{spread}{of}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        of = {"of": self.of} if self.of else {}
        low_and_high = list(self.quartiles)
        return {
            "unit": self.unit,
            **of,
            "median": self.median,
            "quartiles": low_and_high,
            "samples": self.samples.tolist(),
        }
