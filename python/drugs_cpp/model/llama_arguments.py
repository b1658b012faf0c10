"""What ``Llama(...)`` takes by keyword: names and types for type checkers, a signature and a docstring for readers."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING, TypedDict

import llama_cpp

if TYPE_CHECKING:
    import os

    from llama_cpp.llama_chat_format import LlamaChatCompletionHandler
    from llama_cpp.llama_speculative import LlamaDraftModel
    from llama_cpp.llama_tokenizer import BaseLlamaTokenizer

    from drugs_cpp.doses.drugs import DrugsLike
    from drugs_cpp.engine.inputs import Inputs


class UpstreamArguments(TypedDict, total=False):
    """The arguments of ``llama_cpp.Llama``, except ``model_path`` and ``seed``, which :class:`Llama` has itself."""

    n_gpu_layers: int
    split_mode: int
    main_gpu: int
    tensor_split: list[float] | None
    vocab_only: bool
    use_mmap: bool
    use_mlock: bool
    kv_overrides: dict[str, bool | int | float | str] | None
    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_threads: int | None
    n_threads_batch: int | None
    rope_scaling_type: int | None
    pooling_type: int
    attention_type: int
    rope_freq_base: float
    rope_freq_scale: float
    yarn_ext_factor: float
    yarn_attn_factor: float
    yarn_beta_fast: float
    yarn_beta_slow: float
    yarn_orig_ctx: int
    logits_all: bool
    embedding: bool
    offload_kqv: bool
    flash_attn: bool
    op_offload: bool | None
    swa_full: bool | None
    no_perf: bool
    last_n_tokens_size: int
    lora_base: str | None
    lora_scale: float
    lora_path: str | os.PathLike[str] | None
    numa: bool | int
    chat_format: str | None
    chat_handler: LlamaChatCompletionHandler | None
    draft_model: LlamaDraftModel | None
    tokenizer: BaseLlamaTokenizer | None
    type_k: int | None
    type_v: int | None
    spm_infill: bool
    verbose: bool


class LlamaArguments(UpstreamArguments, total=False):
    """All that :class:`Llama` takes besides ``model_path``."""

    drugs: DrugsLike
    seed: int | None
    dose_inputs: Inputs
    sink: int
    sober_interval: int
    sober_twin: bool
    strict: bool
    repeatable: bool | None


#: of ``llama_cpp.Llama``, with its types and defaults
UPSTREAM_KEYWORDS = [
    parameter
    for parameter in inspect.signature(llama_cpp.Llama).parameters.values()
    if parameter.kind is parameter.KEYWORD_ONLY
]

#: our words for what upstream does not describe, or does differently
_OUR_WORDS = {
    "n_threads": "Number of threads to use for generation. None: one for each physical core that this process may use.",
    "n_threads_batch": "Number of threads to use for batch processing. None: likewise.",
    "no_perf": "Measure no performance timings.",
    "lora_scale": "Factor on the weights of the adapter at lora_path.",
}

_WIDTH = 112  # as wide as ours, when help has indented them


def describe_upstream_arguments() -> str:
    """Return the section of a docstring for ``UPSTREAM_KEYWORDS``, in upstream's words as far as it has some."""
    section = re.search(r"^Args:\n((?: .*\n)+)", inspect.getdoc(llama_cpp.Llama.__init__) or "", re.MULTILINE)
    theirs = dict(re.findall(r"^    (\w+): (.*)$", section[1] if section else "", re.MULTILINE))
    words = {**theirs, **_OUR_WORDS}
    names = [keyword.name for keyword in UPSTREAM_KEYWORDS if keyword.name in UpstreamArguments.__annotations__]
    lines = [f"{name}: {words[name]}" if name in words else f"{name}: as in llama.cpp." for name in names]
    wrap = textwrap.TextWrapper(_WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_long_words=False)
    return "\n".join(["Keyword Args:", *(wrap.fill(line) for line in lines)])


def with_upstream_arguments(documentation: str | None, before: str) -> str | None:
    """Insert the section before another one, and return the docstring without its indentation."""
    if documentation is None:  # python -OO
        return None
    text = inspect.cleandoc(documentation)
    return text.replace(f"\n{before}", f"\n{describe_upstream_arguments()}\n\n{before}", 1)
