"""Samplers of llama.cpp that upstream's chain lacks: top-n-sigma and XTC."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import llama_cpp

from drugs_cpp.errors import OptionError

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaSampler

#: our arguments besides upstream's, with llama.cpp's defaults, at which nothing is added to the chain
EXTRA_OPTIONS: Mapping[str, float] = MappingProxyType(
    {"xtc_probability": 0.0, "xtc_threshold": 0.1, "top_n_sigma": -1.0}
)

#: for docstrings
EXTRA_DOCUMENTATION = """\
Keyword Args:
    xtc_probability: probability, at each token, that XTC removes the likeliest ones, 0 to 1. 0: never. This and the
        following ones are as in llama.cpp, for a temperature above 0 without mirostat.
    xtc_threshold: of the tokens that are at least this likely, XTC keeps only the least likely. Above 0.5: no effect.
    top_n_sigma: keep tokens whose logit is at most this many standard deviations below the highest. 0 or less: all."""


def check_extras(options: Mapping[str, Any]) -> None:
    """Check the ranges of those ``EXTRA_OPTIONS`` that ``options`` contains. They are finite numbers.

    Raises:
        OptionError: out of range; the message names the value and the range.
    """
    probability = options.get("xtc_probability", 0.0)
    if not 0 <= probability <= 1:
        raise OptionError(f"xtc_probability is {probability!r}: give a number from 0 to 1")
    threshold = options.get("xtc_threshold", 0.0)
    if threshold < 0:
        raise OptionError(f"xtc_threshold is {threshold!r}: give a number from 0 to 1; above 0.5 XTC does nothing")


def add_extras(chain: LlamaSampler, seed: int, options: Mapping[str, Any]) -> None:
    """Insert the samplers that ``options`` asks for, in the same order as llama.cpp.

    Args:
        chain: made by upstream. If it takes the most likely token or uses mirostat, it is left as it is.
        seed: of the run; llama.cpp gives XTC the same seed as the sampler that draws.
        options: with all of ``EXTRA_OPTIONS``.
    """
    draws = options["temp"] > 0 and options.get("mirostat_mode", 0) not in (1, 2)
    if draws and options["top_n_sigma"] > 0:
        _insert(chain, llama_cpp.llama_sampler_init_top_n_sigma(options["top_n_sigma"]), "top-k")
    if draws and options["xtc_probability"] > 0:
        xtc = llama_cpp.llama_sampler_init_xtc(options["xtc_probability"], options["xtc_threshold"], 1, seed)
        _insert(chain, xtc, "temp")


def _insert(chain: LlamaSampler, sampler: Any, before: str) -> None:
    """Insert a sampler before the one with that name. The ones removed and added again are all llama.cpp's own."""
    handle = chain.sampler
    n = llama_cpp.llama_sampler_chain_n(handle)
    # without the first one, which may be a logits processor in Python that has no name
    place = 1 + [_name(llama_cpp.llama_sampler_chain_get(handle, i)) for i in range(1, n)].index(before)
    later = [llama_cpp.llama_sampler_chain_remove(handle, place) for _ in range(place, n)]
    for each in (sampler, *later):
        llama_cpp.llama_sampler_chain_add(handle, each)


def _name(sampler: Any) -> str:
    """Return its name without the question mark with which llama.cpp marks a sampler that does nothing."""
    return (llama_cpp.llama_sampler_name(sampler) or b"").decode().lstrip("?")
