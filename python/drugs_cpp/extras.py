"""Packages that come with ``drugs_cpp[lab]`` and other extras."""

from __future__ import annotations

import importlib
from typing import Any

from drugs_cpp.errors import MissingExtraError

LAB, EMBEDDINGS, RAY = "lab", "embeddings", "ray"


def extra(module: str, of: str = LAB) -> Any:
    """Import a module that comes with an extra.

    Args:
        module: its name.
        of: name of the extra.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).split(".")[0].replace("_", "-")  # the module, or one that it needs
        raise MissingExtraError(f'{package} is not installed: pip install "drugs_cpp[{of}]" installs it') from error
