"""Which of llama.cpp's messages a quiet model keeps to itself."""

from __future__ import annotations

import logging

from llama_cpp import _logger

_WARN = 3  # GGML_LOG_LEVEL_WARN


def keep_warnings_quiet() -> None:
    """Let ``verbose=False`` keep llama.cpp's warnings, too: what goes wrong is an exception.

    llama-cpp-python's table of levels is that of an older llama.cpp, and takes warnings for errors, which it prints.
    """
    _logger.GGML_LOG_LEVEL_TO_LOGGING_LEVEL[_WARN] = logging.WARNING
