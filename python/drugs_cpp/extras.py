"""Packages that come with ``drugs_cpp[lab]``."""

from __future__ import annotations

import importlib
from typing import Any

from drugs_cpp.errors import MissingExtraError


def extra(module: str) -> Any:
    """Import a module that comes with ``drugs_cpp[lab]``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.split(".")[0]
        raise MissingExtraError(f'{package} is not installed: pip install "drugs_cpp[lab]" brings it') from error
