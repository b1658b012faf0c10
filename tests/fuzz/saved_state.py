"""Saved states of a tiny model with changes: each loads or is refused, and leaves the model usable."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp.llama import LlamaState

from drugs_cpp import DRUGS, Llama
from drugs_cpp.errors import DrugsError
from fuzz.choices import Choices
from fuzz.refusals import check_refusal
from support.tiny_model import N_VOCAB, write_tiny_model

_PROMPT = [1, 20, 33, 47, 60]
_N_CTX = 32
_MOST_CHANGES = 6

_OPTIONS: dict[str, Any] = {"n_ctx": _N_CTX, "n_batch": 8, "n_threads": 1, "n_threads_batch": 1, "verbose": False}

#: values that may replace anything
_ODD_VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 5, 31, 32, 33, N_VOCAB, 2**31 - 1, 2**31, 2**32 - 1, 2**64, -(2**63)),
    *(0.5, math.nan, "", "A", b"", b"\0" * 64, [], [1, 2], {}, {"A": 0.3}, DRUGS(A=0.3, seed=3)),
    *(np.zeros(0, np.int8), np.ones(_N_CTX, np.intc), np.full((1, N_VOCAB), np.nan, np.float32), np.zeros((2, 2, 2))),
]


class _Models:
    """A dosed model that loads the states, and the saved states of it and of a plain model."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="drugs-fuzz-")
        path = str(Path(self._folder.name) / "tiny.gguf")
        write_tiny_model(Path(path))
        self.llm = Llama(path, drugs=DRUGS(A=0.6, pK=0.6, seed=7), **_OPTIONS)
        self.wanted = self.text()
        self.llm.Dgenerate(_PROMPT, max_new_tokens=4, past_key_values=None)
        plain = llama_cpp.Llama(path, **_OPTIONS)
        plain.eval(_PROMPT)
        self.states: list[LlamaState] = [self.llm.save_state(), plain.save_state()]
        plain.close()

    def text(self) -> list[int]:
        """What the model writes after its doses, seed and cache were set again."""
        self.llm.reset()
        self.llm.set_seed(7)  # ends the run that was loaded
        self.llm.drugs.assign(DRUGS(A=0.6, pK=0.6, seed=7))
        self.llm.sink, self.llm.dose_inputs, self.llm.sober_interval = 2, False, 3
        tokens = self.llm.Dgenerate(_PROMPT, max_new_tokens=6, past_key_values=None)
        return list(tokens)


@functools.cache
def _models() -> _Models:
    return _Models()


def check(data: bytes) -> None:
    models = _models()
    choices = Choices(data)
    saved = choices.one_of(models.states)
    state = copy.deepcopy(saved)
    for _ in range(_MOST_CHANGES):
        if not choices.is_over:
            choices.one_of(_CHANGES)(state, choices)
    n_before = models.llm.n_tokens
    if _load(models.llm, pickle.loads(pickle.dumps(state))):
        assert state.llama_state == saved.llama_state or not hasattr(saved, "checksum")
        _go_on(models.llm)
    else:
        assert models.llm.n_tokens in (0, n_before)
    assert models.text() == models.wanted


def _load(llm: Llama, state: LlamaState) -> bool:
    try:
        llm.load_state(state)
    except DrugsError as error:
        check_refusal(error)
        return False
    assert llm.n_tokens == state.n_tokens
    assert 0 <= llm.dirty_count <= llm.n_tokens <= _N_CTX
    return True


def _go_on(llm: Llama) -> None:
    """The model continues from what it has loaded, or says why not; and saves a state that it can load."""
    try:
        llm.Dgenerate([5], max_new_tokens=2)
        llm.load_state(llm.save_state())
    except DrugsError as error:
        check_refusal(error)


#
# changes
#


def _owners(state: LlamaState) -> list[Any]:
    parts = (getattr(state, name, None) for name in ("positions", "dosed"))
    return [state, *(part for part in parts if hasattr(part, "__dataclass_fields__") and vars(part))]


def _set(owner: Any, name: str, value: Any) -> None:
    object.__setattr__(owner, name, value)  # some objects are frozen


def _place(state: LlamaState, choices: Choices) -> tuple[Any, str]:
    owner = choices.one_of(_owners(state))
    # a state without a checksum counts as intact, like that of a plain model
    return owner, choices.one_of([name for name in sorted(vars(owner)) if name != "checksum"])


def _put_odd_value(state: LlamaState, choices: Choices) -> None:
    owner, name = _place(state, choices)
    _set(owner, name, copy.deepcopy(choices.one_of(_ODD_VALUES)))


def _take_away(state: LlamaState, choices: Choices) -> None:
    owner, name = _place(state, choices)
    object.__delattr__(owner, name)


def _change_array(state: LlamaState, choices: Choices) -> None:
    owner, name = _place(state, choices)
    array = getattr(owner, name)
    if isinstance(array, np.ndarray) and array.size and array.dtype != np.bool_:
        array.reshape(-1)[choices.below(array.size)] = choices.one_of([-1, 0, 3, 77, 127])


def _change_length(state: LlamaState, choices: Choices) -> None:
    owner, name = _place(state, choices)
    array = getattr(owner, name)
    if isinstance(array, np.ndarray) and array.ndim:
        _set(owner, name, np.resize(array, (choices.below(2 * _N_CTX), *array.shape[1:])))


def _change_cache(state: LlamaState, choices: Choices) -> None:
    """Only with a checksum: some changes end the process in llama.cpp, which a plain model's state cannot prevent."""
    cache = getattr(state, "llama_state", None)
    if isinstance(cache, bytes) and getattr(state, "checksum", None) is not None:
        at = choices.below(len(cache) + 1)
        new = choices.take(choices.one_of([0, 1, 4, 8]))
        _set(state, "llama_state", cache[:at] + new + cache[at + choices.one_of([0, len(new), 1, 1000]) :])


_CHANGES: list[Callable[[LlamaState, Choices], None]] = [
    _put_odd_value,
    _take_away,
    _change_array,
    _change_length,
    _change_cache,
]
