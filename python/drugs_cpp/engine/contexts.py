"""Further contexts on a loaded model, with its settings, and whether there is memory for them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import llama_cpp
import psutil
from llama_cpp._internals import LlamaContext

from drugs_cpp import _core
from drugs_cpp.engine.settings import ModelSettings
from drugs_cpp.engine.signals import interrupt_later
from drugs_cpp.errors import MemoryLimitError

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaModel

#: llama.cpp rounds the size of a cache up to a multiple of this
PADDING = 256

# of what is free; a graph's buffers and the rest of the computer need some, too
_SHARE = 0.8


def address_of(context: LlamaContext) -> int:
    """Address of the llama_context, as ``_core`` takes it."""
    return int(context.ctx)


def padded(n_tokens: int) -> int:
    """``n_tokens`` as a cache has room for them."""
    return -(-n_tokens // PADDING) * PADDING


def sequence_tokens(settings: ModelSettings, n_tokens: int) -> int:
    """Room for ``n_tokens`` with which the model computes as it does in its own context.

    Models with two sets of rotary frequencies take those for long texts in every context that is longer than what they
    were first trained for, however short the text.
    """
    scaling = f"{settings.architecture}.rope.scaling"
    first_trained = int(settings.metadata.get(f"{scaling}.original_context_length", settings.n_ctx_train))
    may_have_two_sets = settings.metadata.get(f"{scaling}.type") != "yarn"
    return max(n_tokens, first_trained + 1) if may_have_two_sets and settings.n_ctx > first_trained else n_tokens


def n_sequences_that_fit(context: LlamaContext, n_tokens: int) -> int:
    """How many sequences of ``n_tokens`` there is memory for, judging by what a context on the same model takes."""
    own = llama_cpp.llama_n_ctx(context.ctx)
    fit = llama_cpp.llama_max_parallel_sequences()
    for n_bytes, n_free in _core.cache_memory(address_of(context)):
        free = psutil.virtual_memory().available if n_free is None else n_free
        fit = min(fit, int(_SHARE * free / (n_bytes * padded(n_tokens) / own)))
    return int(fit)


class _Notes:
    """Takes no notice."""

    def callback(self, *_: object) -> None:
        """Of a context that would have itself freed with the model."""


class _ModelHost:
    """Stands in a model's place where llama-cpp-python makes a context: the model would note each one for good."""

    def __init__(self, model: LlamaModel) -> None:
        self.model = model.model
        self._exit_stack = _Notes()


def close_with(owner: object, close: Callable[[], object]) -> weakref.finalize[..., object]:
    """Call ``close`` once: when its result is called, or else when nobody refers to ``owner`` any more.

    A collector ends all objects of a cycle in any order, so a model's ``__del__`` may come before that of a context on
    it. What this makes comes before either.
    """
    return weakref.finalize(owner, close)


def open_context(settings: ModelSettings, n_sequences: int, n_tokens: int, unified: bool) -> LlamaContext:
    """A context for ``n_sequences`` of ``n_tokens`` each, with everything else as the model's own has it.

    Whoever opens it closes it, before the model is freed; :func:`close_with` does it where nobody else has.

    Args:
        settings: of the model.
        n_sequences: 1 to 256.
        n_tokens: of each sequence.
        unified: all sequences in one cache, where they can share positions; False: each has a cache of its own.

    Raises:
        MemoryLimitError: llama.cpp could not make it.
    """
    params = type(settings.context_params).from_buffer_copy(settings.context_params)
    params.n_ctx = n_sequences * padded(n_tokens)
    params.n_seq_max = n_sequences
    params.kv_unified = unified
    params.embeddings = False
    params.n_batch = max(params.n_batch, 2 * n_sequences)
    host: Any = _ModelHost(settings.model)
    try:
        with interrupt_later():
            context = LlamaContext(model=host, params=params, verbose=settings.verbose)
    except ValueError as error:
        raise MemoryLimitError(
            f"llama.cpp could not make a context of {n_sequences} x {n_tokens} tokens: ask for fewer or shorter texts"
        ) from error
    if settings.adapter is not None:
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(settings.adapter)
        scales = (ctypes.c_float * 1)(settings.adapter_scale)
        llama_cpp.llama_set_adapters_lora(context.ctx, adapters, 1, scales)
    return context
