"""A saved state of a :class:`drugs_cpp.Llama`: llama.cpp's own, and what a dose adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from llama_cpp.llama import LlamaState

from drugs_cpp.drugs import DRUGS


@dataclass(frozen=True)
class DosedPart:
    """What a run needs, beside the cache, to continue as it would have.

    Attributes:
        drugs: a copy of the doses.
        seed: the seed of the last run, or None before the first.
        dirty: bool (n_tokens,), which positions were computed under a dose.
        single: bool (n_tokens,), which positions were computed in a batch of their own.
        pending: the token that ``Dgenerate`` chose last and has not fed back yet.
        protect_inputs: whether prompts are evaluated sober.
        sink: number of first positions that are never dosed.
        sobering_rate: dirty tokens between two cold showers.
        sober_twin: whether the cache holds a sober copy, too.
    """

    drugs: DRUGS
    seed: int | None
    dirty: npt.NDArray[np.bool_]
    single: npt.NDArray[np.bool_]
    pending: int | None
    protect_inputs: bool
    sink: int
    sobering_rate: int
    sober_twin: bool


class DrugsState(LlamaState):
    """A ``llama_cpp.LlamaState`` with doses, seed and dirty positions. A plain ``llama_cpp.Llama`` can load it too."""

    def __init__(self, state: LlamaState, dosed: DosedPart) -> None:
        self.__dict__.update(state.__dict__)
        self.dosed = dosed

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
