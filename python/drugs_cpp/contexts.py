"""Further contexts on the model of a ``Llama``, with its settings, and whether there is memory for them."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, cast

import llama_cpp
import psutil
from llama_cpp._internals import LlamaContext

from drugs_cpp import _core
from drugs_cpp.errors import MemoryLimitError
from drugs_cpp.signals import interrupt_later

if TYPE_CHECKING:
    from drugs_cpp.evaluation import DosedEval

#: llama.cpp rounds the size of a cache up to a multiple of this
PADDING = 256

# their recurrent layers assume one sequence
_ONE_AT_A_TIME = ("kimi-linear", "plamo2")

# of what is free; a graph's buffers and the rest of the computer need some, too
_SHARE = 0.8


def padded(n_tokens: int) -> int:
    """``n_tokens`` as a cache has room for them."""
    return -(-n_tokens // PADDING) * PADDING


def sequence_tokens(llm: DosedEval, n_tokens: int) -> int:
    """Room for ``n_tokens`` with which the model computes as it does in its own context.

    Models with two sets of rotary frequencies take those for long texts in every context that is longer than what they
    were first trained for, however short the text.
    """
    architecture = llm.metadata.get("general.architecture")
    scaling = f"{architecture}.rope.scaling"
    trained = llama_cpp.llama_model_n_ctx_train(llm._model.model)
    first_trained = int(llm.metadata.get(f"{scaling}.original_context_length", trained))
    may_have_two_sets = llm.metadata.get(f"{scaling}.type") != "yarn"
    return max(n_tokens, first_trained + 1) if may_have_two_sets and llm._n_ctx > first_trained else n_tokens


def n_sequences_that_fit(llm: DosedEval, n_tokens: int) -> int:
    """How many sequences of ``n_tokens`` there is memory for, judging by what the model's own context takes."""
    own = llama_cpp.llama_n_ctx(llm._ctx.ctx)
    fit = llama_cpp.llama_max_parallel_sequences()
    for n_bytes, n_free in _core.cache_memory(int(llm._ctx.ctx)):
        free = psutil.virtual_memory().available if n_free is None else n_free
        fit = min(fit, int(_SHARE * free / (n_bytes * padded(n_tokens) / own)))
    return int(fit)


def open_context(llm: DosedEval, n_sequences: int, n_tokens: int, unified: bool) -> LlamaContext:
    """A context for ``n_sequences`` of ``n_tokens`` each, with everything else as the model's own has it.

    Args:
        llm: whose model and settings to take.
        n_sequences: 1 to 256.
        n_tokens: of each sequence.
        unified: all sequences in one cache, where they can share positions; otherwise each has a cache of its own.

    Raises:
        MemoryLimitError: llama.cpp could not make it.
    """
    params = type(llm.context_params).from_buffer_copy(llm.context_params)
    params.n_ctx = n_sequences * padded(n_tokens)
    params.n_seq_max = n_sequences
    params.kv_unified = unified
    params.embeddings = False
    params.n_batch = max(params.n_batch, 2 * n_sequences)
    try:
        with interrupt_later():
            context = LlamaContext(model=llm._model, params=params, verbose=llm.verbose)
    except ValueError as error:
        raise MemoryLimitError(
            f"llama.cpp could not make a context of {n_sequences} x {n_tokens} tokens: ask for fewer or shorter texts"
        ) from error
    adapter = llm._lora_adapter
    if adapter is not None:
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)  # type: ignore[misc]
        llama_cpp.llama_set_adapters_lora(context.ctx, adapters, 1, (ctypes.c_float * 1)(llm.lora_scale))
    return context


def decodes_together(llm: DosedEval) -> bool:
    """Whether llama.cpp can decode several sequences of this model in one batch. Where it cannot, it would abort."""
    return llm.metadata.get("general.architecture") not in _ONE_AT_A_TIME


def forgets_positions(llm: DosedEval) -> bool:
    """Whether a sequence of this model cannot be shortened: a recurrent state, or a window that slides."""
    model = llm._model.model
    slides = llama_cpp.llama_model_n_swa(model) > 0 and not llm.context_params.swa_full
    return slides or cast("bool", llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model))
