"""``ModelSettings``: what is known about a loaded model and never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import llama_cpp

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaModel

#: architectures whose recurrent layers assume one sequence
_ONE_AT_A_TIME = ("kimi-linear", "plamo2")


@dataclass(frozen=True)
class ModelSettings:
    """A loaded model, and how contexts on it are made.

    Attributes:
        model: llama-cpp-python's handle; the code that loaded the model frees it.
        context_params: of the model's own context; a struct that is never changed.
        n_ctx: size of its context in tokens, as requested.
        n_batch: largest batch in tokens.
        n_vocab: size of the vocabulary.
        last_n_tokens_size: tokens that repeat penalties look back on.
        metadata: of the file.
        adapter: a LoRA adapter, or None.
        adapter_scale: its factor.
        logits_all: the logits of every token are kept.
        verbose: llama.cpp may print.
        path: of the file, if only the file determines what the model computes; None: an adapter does as well.
    """

    model: LlamaModel
    context_params: Any
    n_ctx: int
    n_batch: int
    n_vocab: int
    last_n_tokens_size: int
    metadata: Mapping[str, str]
    adapter: Any
    adapter_scale: float
    logits_all: bool
    verbose: bool
    path: Path | None

    @property
    def architecture(self) -> str | None:
        """The name of the model's architecture."""
        return self.metadata.get("general.architecture")

    @property
    def n_ctx_train(self) -> int:
        """Tokens of context that the model was trained for."""
        return int(llama_cpp.llama_model_n_ctx_train(self.model.model))

    @property
    def decodes_together(self) -> bool:
        """Whether llama.cpp can decode several sequences of this model in one batch; if not, it would abort."""
        return self.architecture not in _ONE_AT_A_TIME

    @property
    def forgets_positions(self) -> bool:
        """Whether a sequence of this model cannot be shortened, because of a recurrent state or a sliding window."""
        model = self.model.model
        slides = llama_cpp.llama_model_n_swa(model) > 0 and not self.context_params.swa_full
        return slides or cast(
            "bool", llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model)
        )
