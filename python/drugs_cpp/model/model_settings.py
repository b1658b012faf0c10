"""What the engine has to know about a loaded model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from drugs_cpp.engine.settings import ModelSettings

if TYPE_CHECKING:
    import llama_cpp
    from llama_cpp._internals import LlamaModel


def settings_of(llm: llama_cpp.Llama, model: LlamaModel, n_vocab: int, adapter: Any, logits_all: bool) -> ModelSettings:
    """Return the settings of a model after its constructor.

    Args:
        llm: the model.
        model: its handle.
        n_vocab: size of its vocabulary.
        adapter: a LoRA adapter, or None.
        logits_all: the logits of every token are kept.
    """
    return ModelSettings(
        model=model,
        context_params=type(llm.context_params).from_buffer_copy(llm.context_params),
        n_ctx=llm.n_ctx(),
        n_batch=llm.n_batch,
        n_vocab=n_vocab,
        last_n_tokens_size=llm.last_n_tokens_size,
        metadata=llm.metadata,
        adapter=adapter,
        adapter_scale=llm.lora_scale,
        logits_all=logits_all,
        verbose=llm.verbose,
        path=Path(llm.model_path) if adapter is None else None,
    )
