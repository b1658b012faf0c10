"""A LoRA adapter for a model, with an error that says what is wrong with its file."""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp

from drugs_cpp.errors import ModelFileError
from drugs_cpp.model.model_file import captured_errors, check_model_file

if TYPE_CHECKING:
    from llama_cpp._internals import LlamaContext, LlamaModel

_WHAT = "LoRA adapter"


def take_adapter(kwargs: dict[str, Any]) -> str | None:
    """Take ``lora_path`` out of the arguments of upstream's constructor, which would not notice an unusable file.

    Raises:
        ModelNotFoundError, ModelFileError: no such file, or not a GGUF file.
    """
    path = kwargs.pop("lora_path", None)
    if path is None:
        return None
    check_model_file(path, _WHAT)
    kwargs["use_mmap"] = False  # as upstream sets it with an adapter
    return str(path)


def load_adapter(path: str, model: LlamaModel, context: LlamaContext, scale: float, stack: contextlib.ExitStack) -> Any:
    """Load an adapter and apply it to a context; ``stack`` frees it.

    Raises:
        ModelFileError: not an adapter of this model.
    """
    with captured_errors() as errors:
        adapter = llama_cpp.llama_adapter_lora_init(model.model, path.encode("utf-8"))
    if not adapter:
        raise ModelFileError(f"{path} is not a {_WHAT} of this model: {_reason(errors)}")
    stack.callback(llama_cpp.llama_adapter_lora_free, adapter)
    adapters, scales = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter), (ctypes.c_float * 1)(scale)
    if llama_cpp.llama_set_adapters_lora(context.ctx, adapters, 1, scales) != 0:
        raise ModelFileError(f"{path}: llama.cpp could not set the {_WHAT}")
    return adapter


def _reason(errors: list[str]) -> str:
    return errors[0].strip().partition(": ")[2] if errors else "llama.cpp cannot load it"
