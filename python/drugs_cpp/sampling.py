"""The samplers that upstream makes from its arguments, and whether they are needed at all."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import llama_cpp
from llama_cpp._internals import LlamaSampler
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from drugs_cpp.errors import TokenError

if TYPE_CHECKING:
    from drugs_cpp.evaluation import DosedEval

#: arguments of upstream's generate() that its samplers, which are written in C++, take care of
OPTIONS = (
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "temp",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
    "tfs_z",
    "mirostat_mode",
    "mirostat_tau",
    "mirostat_eta",
    "penalize_nl",
    "grammar",
)


def make_sampler(
    llm: DosedEval, options: Mapping[str, Any], logit_bias: Mapping[Any, Any] | None
) -> LlamaSampler | None:
    """What chooses tokens, or None where that is the most likely one and nothing changes the logits.

    Args:
        llm: the model, with the seed of the run.
        options: some of ``OPTIONS``.
        logit_bias: token -> number that is added to its logit.

    Raises:
        TokenError: a bias for a token that is not in the vocabulary.
    """
    bias = _checked_bias(llm, logit_bias or {})
    if not bias and _is_plain(options):
        return None
    own: LlamaSampler = llm._init_sampler(**options)
    if not bias:
        return own
    chain = LlamaSampler()
    chain.add_logit_bias(llm._n_vocab, bias)
    llama_cpp.llama_sampler_chain_add(chain.sampler, own.sampler)
    own.sampler = None  # belongs to the chain now, which frees it
    return chain


def address(sampler: LlamaSampler | None) -> int:
    """Address of the llama_sampler, or 0."""
    return 0 if sampler is None else ctypes.cast(sampler.sampler, ctypes.c_void_p).value or 0


def _is_plain(options: Mapping[str, Any]) -> bool:
    """Whether upstream's greedy sampler would see the logits as they are."""
    neutral = {"repeat_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "grammar": None}
    return options["temp"] == 0.0 and all(options.get(name, value) == value for name, value in neutral.items())


def _checked_bias(llm: DosedEval, logit_bias: Mapping[Any, Any]) -> dict[int, float]:
    bias = {int(token): float(value) for token, value in logit_bias.items()}
    for token in bias:
        if not 0 <= token < llm._n_vocab:
            raise TokenError(f"logit_bias: token {token} is not in this model's vocabulary of {llm._n_vocab} tokens")
    return bias


def stop_tokens_of(criteria: Any) -> list[int] | None:
    """Tokens that end a text, where all the criteria do is to look for them: those of upstream's chat templates.

    Returns:
        Token ids, or None for criteria that have to be called.
    """
    tokens: set[int] = set()
    for criterion in criteria or ():
        cells = [cell.cell_contents for cell in getattr(criterion, "__closure__", None) or ()]
        formatters = [cell for cell in cells if isinstance(cell, Jinja2ChatFormatter)]
        if not formatters or criterion.__name__ != "stop_on_last_token":
            return None
        tokens |= formatters[0].stop_token_ids or set()
    return sorted(tokens)
