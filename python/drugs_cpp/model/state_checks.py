"""Whether a saved state is intact: it may come from a file, and llama.cpp ends the process for some damaged ones."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.seed import FRESH
from drugs_cpp.engine.inputs import LAST
from drugs_cpp.engine.position_flags import Computed
from drugs_cpp.errors import StateError

if TYPE_CHECKING:
    from llama_cpp.llama import LlamaState

_MAX_COUNT = 2**31 - 1
_MAX_UPSTREAM_SEED = 2**32  # the largest seed that llama-cpp-python draws


def check_cache_part(state: LlamaState) -> None:
    """Check that what llama-cpp-python saves has the right types and lengths.

    Raises:
        StateError: it does not.
    """
    tokens, scores = _part(state, "input_ids"), _part(state, "scores")
    _check(_is_array(tokens, np.integer, 1), "its tokens")
    _check(_is_array(scores, np.floating, 2), "its logits")
    _check(_is_int(_part(state, "n_tokens"), 0, len(tokens)), "its number of tokens")
    _check(isinstance(_part(state, "llama_state"), bytes), "its cache")
    _check(_is_int(_part(state, "llama_state_size"), 0, len(state.llama_state)), "the size of its cache")
    _check(_is_int(_part(state, "seed"), -_MAX_UPSTREAM_SEED, _MAX_UPSTREAM_SEED), "its seed")


def check_tokens(state: LlamaState, n_vocab: int) -> None:
    """Check that the tokens are in a vocabulary of that size.

    Raises:
        StateError: one is not.
    """
    tokens = state.input_ids[: state.n_tokens]
    _check(bool(np.all((tokens >= 0) & (tokens < n_vocab))), "a token that is not in the vocabulary")


def checksum(llama_state: bytes) -> int:
    """Return a checksum with which a damaged cache can be detected."""
    return zlib.crc32(llama_state)


def check_checksum(state: LlamaState, wanted: object) -> None:
    """Check that the cache is as it was saved.

    Raises:
        StateError: it is not.
    """
    _check(wanted == checksum(state.llama_state), "its cache")


def check_positions(positions: Any, n_tokens: int) -> None:
    """Check that what is known about ``n_tokens`` positions has the right types and lengths.

    Raises:
        StateError: it does not.
    """
    dirty, computed = _part(positions, "dirty"), _part(positions, "computed")
    _check(_is_array(dirty, np.bool_, 1) and len(dirty) == n_tokens, "its dirty positions")
    _check(_is_array(computed, np.int8, 1) and len(computed) == n_tokens, "how its positions were computed")
    _check(bool(np.isin(computed, list(Computed)).all()), "how its positions were computed")
    _check(isinstance(_part(positions, "sober_twin"), bool), "whether it has a sober twin")


def check_dosed(dosed: Any, n_vocab: int) -> None:
    """Check that a model with a vocabulary of that size can take over doses, seeds and rules.

    Raises:
        StateError: they cannot.
    """
    _check(isinstance(_part(dosed, "drugs"), DRUGS), "its doses")
    for name, most in (("seed", FRESH - 1), ("chain", FRESH - 1), ("pending", n_vocab - 1)):
        value = _part(dosed, name)
        _check(value is None or _is_int(value, 0, most), f"its {name}")
    _check(_part(dosed, "dose_inputs") in (False, True, LAST), "its dose_inputs")
    _check(dosed.n_before is None or _is_int(dosed.n_before, 0, _MAX_COUNT), "its n_before")
    _check(_is_int(_part(dosed, "sink"), 0, _MAX_COUNT), "its sink")
    _check(_is_int(_part(dosed, "sober_interval"), 1, _MAX_COUNT), "its sober_interval")


def _part(state: object, name: str) -> Any:
    _check(hasattr(state, name), f"it has no {name}")
    return getattr(state, name)


def _is_array(value: object, kind: type[Any], n_dims: int) -> bool:
    return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, kind) and value.ndim == n_dims


def _is_int(value: object, least: int, most: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and least <= int(value) <= most


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise StateError(f"the saved state is damaged ({what}): nothing was changed")
