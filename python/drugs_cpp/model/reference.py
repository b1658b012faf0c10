"""Aliases with the names of the PyTorch reference (https://github.com/EGjoni/DRUGS), so that code for it runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import llama_cpp

from drugs_cpp.doses.checks import check_count
from drugs_cpp.engine.sampling import OPTIONS
from drugs_cpp.errors import StateError
from drugs_cpp.keywords import naming_keywords
from drugs_cpp.model import dgenerate
from drugs_cpp.model.calibration import check_dose
from drugs_cpp.model.signatures import bound_arguments, signature_with_extras

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Unpack

    from drugs_cpp.engine.engine import Engine
    from drugs_cpp.engine.inputs import Inputs
    from drugs_cpp.model.completion_arguments import TokenArguments


class _Keep:
    """``past_key_values`` that continue with the cache as it is."""

    def __repr__(self) -> str:
        return "KEEP"


_KEEP = _Keep()

#: of ``generate``, with the defaults of ``Dgenerate``
_TOKEN_KEYWORDS = [
    keyword.replace(default={"temp": 0.0, "reset": False}.get(name, keyword.default))
    for name, keyword in signature_with_extras(llama_cpp.Llama.generate).parameters.items()
    if name not in ("self", "tokens")
]


class ReferenceNames:
    """Aliases of :class:`drugs_cpp.Llama`, and ``Dgenerate``, which has no counterpart in llama-cpp-python."""

    draft_model: Any

    @property
    @abstractmethod
    def engine(self) -> Engine: ...

    @abstractmethod
    def _token_by_token(
        self, asked: dict[str, Any], take_seed: Callable[[], int] | None = None, dose_inputs: Inputs | None = None
    ) -> Generator[int, Sequence[int] | None, None]: ...

    @property
    @abstractmethod
    def dose_inputs(self) -> Inputs: ...

    @dose_inputs.setter
    @abstractmethod
    def dose_inputs(self, dose_inputs: Inputs) -> None: ...

    @property
    @abstractmethod
    def sober_interval(self) -> int: ...

    @sober_interval.setter
    @abstractmethod
    def sober_interval(self, n_tokens: int) -> None: ...

    @abstractmethod
    def reset(self) -> None: ...

    @property
    def protect_inputs(self) -> bool:
        """``not dose_inputs``."""
        return not self.dose_inputs

    @protect_inputs.setter
    def protect_inputs(self, protect_inputs: bool) -> None:
        self.dose_inputs = not protect_inputs

    def set_sobering_rate(self, sober_interval: int) -> None:
        """``sober_interval = sober_interval``."""
        self.sober_interval = sober_interval

    def get_sobering_rate(self) -> int:
        """``sober_interval``."""
        return self.sober_interval

    def reset_model_state(self) -> None:
        """``reset()``."""
        self.reset()

    @naming_keywords(_TOKEN_KEYWORDS)
    def Dgenerate(
        self,
        input_ids: Sequence[int] | npt.NDArray[np.integer[Any]],
        streamer: Any = None,
        max_new_tokens: int | None = 64,
        past_key_values: Any = _KEEP,
        protect_inputs: bool | None = None,
        **kwargs: Unpack[TokenArguments],
    ) -> list[int]:
        """Continue where the last call left off, like the reference's ``Dgenerate``.

        Args:
            input_ids: new token ids, (n,) or (1, n): a list, an array or a tensor. May be empty after a first call.
            streamer: an object with ``put(array)`` and ``end()``, such as ``transformers.TextStreamer``. It gets the
                input, int64 (1, n), and then each new token, int64 (1,).
            max_new_tokens: largest number of new tokens. None: until the end of the text or of the context.
            past_key_values: None starts from an empty cache.
            protect_inputs: evaluate ``input_ids`` sober, in this call only; None: as set by ``dose_inputs``.
            **kwargs: as for ``llama_cpp.Llama.generate``, for example ``logits_processor`` and ``stopping_criteria``.

        Returns:
            The new tokens, including the end-of-text token if there was one.

        Raises:
            ValueError: nothing to continue, more than one sequence, or more tokens than the context holds.
        """
        engine = self.engine
        tokens = dgenerate.token_list("input_ids", input_ids)
        limit = engine.settings.n_ctx if max_new_tokens is None else check_count("max_new_tokens", max_new_tokens, 1)
        if past_key_values is not None and past_key_values is not _KEEP:
            raise StateError("past_key_values can only be None, for an empty cache; load_state() restores a saved one")
        dose_inputs = None if protect_inputs is None else not protect_inputs
        target = dgenerate.Streamer(streamer)
        with engine.session.use():
            if past_key_values is None:
                engine.session.clear()
            dgenerate.begin(engine, tokens)
            check_dose(engine, engine.dosing.drugs.dosage)
            target.put_input(tokens)
            try:
                if self.draft_model is None and set(kwargs) <= set(OPTIONS):
                    return dgenerate.decode(engine, tokens, limit, kwargs, dose_inputs, target)
                asked = bound_arguments(llama_cpp.Llama.generate, tokens, **{"temp": 0.0, "reset": False, **kwargs})
                return dgenerate.collect(engine, self._token_by_token(asked, None, dose_inputs), limit, target)
            finally:
                target.end()
