"""Checks of a model file, so that one line says what is wrong with it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import llama_cpp

from drugs_cpp.errors import ModelFileError, ModelNotFoundError

if TYPE_CHECKING:
    import os

_MAGIC = b"GGUF"

_SIGNS_OF_A_SHORT_FILE = ("file bounds", "file size", "failed to read")  # in llama.cpp's words

_ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR in ggml.h


def check_model_file(path: str | os.PathLike[str], what: str = "model") -> None:
    """Check, without reading the whole file, that it exists and begins like a GGUF file.

    Args:
        path: of the file.
        what: what it should be, for messages.

    Raises:
        ModelNotFoundError: no such file.
        ModelFileError: a folder, a file that cannot be read, or not a GGUF file.
    """
    file = Path(path)
    if file.is_dir():
        raise ModelFileError(f"{path} is a folder: give the path of a .gguf file")
    try:
        with file.open("rb") as stream:
            magic = stream.read(len(_MAGIC))
    except FileNotFoundError:
        raise ModelNotFoundError(f"no {what} file at {path}: give the path of a .gguf file") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from error
    if magic != _MAGIC:
        raise ModelFileError(f"{path} is not a GGUF {what} (it begins with {magic!r}): give a .gguf file")


def explain_load_failure(path: str | os.PathLike[str], error: ValueError) -> ValueError:
    """Turn llama-cpp-python's "failed to load" into an exception that says why.

    Args:
        path: a file that passed :func:`check_model_file`.
        error: what llama-cpp-python raised for that file.

    Returns:
        A :class:`ModelFileError` with llama.cpp's own reason, or an error like ``error`` if the file is not the cause.
    """
    message = str(error)
    if message.startswith("Failed to create llama_context"):
        return ModelFileError(f"{path} was read, but there is no room for its context: give a smaller n_ctx")
    if not message.startswith("Failed to load model"):
        return ValueError(*error.args)
    reason = _reason(path) or "llama.cpp cannot load it; verbose=True shows what it says"
    return ModelFileError(f"{path}: {reason}{_remedy(reason)}")


def _remedy(reason: str) -> str:
    if "architecture" in reason:
        return " (this version of llama.cpp does not know that kind of model)"
    if any(sign in reason for sign in _SIGNS_OF_A_SHORT_FILE):
        return " (the file is probably cut short: get it again)"
    return ""


def _reason(path: str | os.PathLike[str]) -> str:
    """Return what llama.cpp says when it reads the headers again; empty if it finds nothing wrong there."""
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True  # no weights, but every tensor's place in the file is checked
    with captured_errors() as errors:
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    if model is not None:
        llama_cpp.llama_model_free(model)
    # the first message is the cause, later ones only pass it on; each begins with the name of a C function
    cause = errors[0].strip().partition(": ")[2] if errors else ""
    return cause.replace("error loading model: ", "")


@contextmanager
def captured_errors() -> Iterator[list[str]]:
    """Collect llama.cpp's error messages instead of printing them."""
    errors: list[str] = []

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def collect(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        if level == _ERROR_LEVEL:
            errors.append(text.decode(errors="replace"))

    old_callback = llama_cpp.llama_log_callback()
    old_data = ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(old_callback), ctypes.byref(old_data))
    llama_cpp.llama_log_set(collect, ctypes.c_void_p(0))
    try:
        yield errors
    finally:
        llama_cpp.llama_log_set(old_callback, old_data)
