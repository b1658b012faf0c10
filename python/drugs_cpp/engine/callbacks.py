"""Logits processors are called from C, which exceptions cannot pass through: they are kept and raised afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Scores = npt.NDArray[np.single]
    Processor = Callable[[npt.NDArray[np.intc], Scores], Scores]


class GuardedProcessors:
    """Logits processors whose first exception is kept. None of them is called after it."""

    def __init__(self, processors: Iterable[Any]) -> None:
        self._processors = list(processors)
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[Processor]:
        """Upstream's sampler iterates over them."""
        return (self._guarded(processor) for processor in self._processors)

    def _guarded(self, processor: Processor) -> Processor:
        def call(tokens: npt.NDArray[np.intc], scores: Scores) -> Scores:
            if self._error is None:
                try:
                    return processor(tokens, scores)
                except BaseException as error:  # also Ctrl-C
                    self._error = error
            return scores

        return call

    def raise_what_happened(self) -> None:
        """Raise the exception, if there was one."""
        error, self._error = self._error, None
        if error is not None:
            raise error
