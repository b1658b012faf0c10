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

# of the free memory; a graph's buffers and the rest of the computer also need some
_SHARE = 0.8


def address_of(context: LlamaContext) -> int:
    """Return the address of the llama_context, as ``_core`` takes it."""
    return int(context.ctx)


def padded(n_tokens: int) -> int:
    """Return ``n_tokens`` rounded up to the size of a cache."""
    return -(-n_tokens // PADDING) * PADDING


def sequence_tokens(settings: ModelSettings, n_tokens: int) -> int:
    """Return the context size for ``n_tokens`` at which the model computes as it does in its own context.

    Models with two sets of rotary frequencies use those for long texts in every context that is longer than what they
    were originally trained for, however short the text is.
    """
    scaling = f"{settings.architecture}.rope.scaling"
    first_trained = int(settings.metadata.get(f"{scaling}.original_context_length", settings.n_ctx_train))
    may_have_two_sets = settings.metadata.get(f"{scaling}.type") != "yarn"
    return max(n_tokens, first_trained + 1) if may_have_two_sets and settings.n_ctx > first_trained else n_tokens


def n_sequences_that_fit(context: LlamaContext, n_tokens: int) -> int:
    """Return how many sequences of ``n_tokens`` fit into memory, judging by the size of a context on the same model."""
    own = llama_cpp.llama_n_ctx(context.ctx)
    fit = llama_cpp.llama_max_parallel_sequences()
    for n_bytes, n_free in _core.cache_memory(address_of(context)):
        free = psutil.virtual_memory().available if n_free is None else n_free
        fit = min(fit, int(_SHARE * free / (n_bytes * padded(n_tokens) / own)))
    return int(fit)


class _Notes:
    """Ignores what it is told."""

    def callback(self, *_: object) -> None:
        """Ignore a context that registers to be freed with the model."""


class _ModelHost:
    """Replaces a model when llama-cpp-python makes a context, because the model would keep each context forever."""

    def __init__(self, model: LlamaModel) -> None:
        self.model = model.model
        self._exit_stack = _Notes()


def close_with(owner: object, close: Callable[[], object]) -> weakref.finalize[..., object]:
    """Call ``close`` once: when the result is called, or at the latest when ``owner`` is garbage collected.

    The collector finalizes the objects of a cycle in any order, so a model's ``__del__`` may run before that of a
    context on it. The finalizer that this returns runs before both.
    """
    return weakref.finalize(owner, close)


def open_context(settings: ModelSettings, n_sequences: int, n_tokens: int, unified: bool) -> LlamaContext:
    """Open a context for ``n_sequences`` of ``n_tokens`` each, with the other settings of the model's own context.

    The caller has to close it before the model is freed; :func:`close_with` does so if nothing else has.

    Args:
        settings: of the model.
        n_sequences: 1 to 256.
        n_tokens: of each sequence.
        unified: all sequences are in one cache and can share positions; False: each has a cache of its own.

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
