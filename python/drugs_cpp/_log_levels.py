"""Which of llama.cpp's messages are hidden if a model is not verbose."""

from __future__ import annotations

import logging

from llama_cpp import _logger

_WARN = 3  # GGML_LOG_LEVEL_WARN


def keep_warnings_quiet() -> None:
    """Make ``verbose=False`` hide llama.cpp's warnings as well: anything that goes wrong raises an exception.

    llama-cpp-python's table of levels is from an older llama.cpp, so it treats warnings as errors and prints them.
    """
    _logger.GGML_LOG_LEVEL_TO_LOGGING_LEVEL[_WARN] = logging.WARNING
