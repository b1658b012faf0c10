"""Checks of arguments for which llama.cpp would end the process or report a different error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llama_cpp
import numpy as np

from drugs_cpp.errors import OptionError

_MAX_INT = 2**31 - 1
_MAX_THREADS = 512  # GGML_MAX_N_THREADS

#: name -> smallest and largest value
_RANGES = {
    "n_ctx": (0, _MAX_INT),
    "n_batch": (1, _MAX_INT),
    "n_ubatch": (1, _MAX_INT),
    "n_threads": (0, _MAX_THREADS),
    "n_threads_batch": (0, _MAX_THREADS),
    "last_n_tokens_size": (0, _MAX_INT),
    "yarn_orig_ctx": (0, _MAX_INT),
}

_MEANING_OF_ZERO = {
    "n_ctx": "as many tokens as the model was trained for",
    "n_threads": "one for each core",
    "n_threads_batch": "one for each core",
}

#: name -> values that llama.cpp knows
_CHOICES: dict[str, tuple[int, ...]] = {
    "split_mode": tuple(range(llama_cpp.LLAMA_SPLIT_MODE_NONE, llama_cpp.LLAMA_SPLIT_MODE_TENSOR + 1)),
    "rope_scaling_type": tuple(range(-1, llama_cpp.LLAMA_ROPE_SCALING_TYPE_MAX_VALUE + 1)),
    "pooling_type": tuple(range(-1, llama_cpp.LLAMA_POOLING_TYPE_RANK + 1)),
    "attention_type": tuple(range(-1, llama_cpp.LLAMA_ATTENTION_TYPE_NON_CAUSAL + 1)),
}

#: arguments for which None means upstream's default
_MAY_BE_NONE = ("n_threads", "n_threads_batch", "rope_scaling_type")


def check_arguments(given: Mapping[str, Any]) -> None:
    """Check numbers that upstream's constructor would pass on unchecked.

    Args:
        given: keyword arguments of ``llama_cpp.Llama``.

    Raises:
        OptionError: an unusable value; the message names the first one and the valid values.
    """
    for name, value in given.items():
        if value is None and name in _MAY_BE_NONE:
            continue
        if name in _RANGES:
            least, most = _RANGES[name]
            if not _is_int(value) or not least <= value <= most:
                zero = f"; 0: {_MEANING_OF_ZERO[name]}" if name in _MEANING_OF_ZERO else ""
                raise OptionError(f"{name} is {value!r}: give a whole number from {least} to {most}{zero}")
        elif name in _CHOICES and not (_is_int(value) and value in _CHOICES[name]):
            raise OptionError(f"{name} is {value!r}: the values are {', '.join(map(str, _CHOICES[name]))}")


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
