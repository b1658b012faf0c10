"""Runs llama-cpp-python's own tests with the class and the models that the environment names.

DRUGS_UPSTREAM_CLASS is "drugs_cpp" or "llama_cpp": the package whose Llama they get. DRUGS_UPSTREAM_MODELS is a JSON
file that maps repositories to the files that stand for their models.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

#: drugs_cpp must be imported before llama_cpp, which the tests import
PACKAGE: Any = importlib.import_module(os.environ["DRUGS_UPSTREAM_CLASS"])


def hf_hub_download(repo_id: str, _filename: str) -> str:
    """The model that stands for the one in a repository."""
    return str(json.loads(Path(os.environ["DRUGS_UPSTREAM_MODELS"]).read_text(encoding="utf-8"))[repo_id])


def namespace(name: str, **content: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(content)
    return module


def pytest_configure() -> None:
    vars(multiprocessing)["cpu_count"] = lambda: 1  # threads that wait for each other take long on a busy machine
    sys.modules["huggingface_hub"] = namespace("huggingface_hub", hf_hub_download=hf_hub_download)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only the tests see the other class: drugs_cpp still uses upstream's."""
    llama_cpp = importlib.import_module("llama_cpp")
    stand_in = namespace("llama_cpp", **{**vars(llama_cpp), "Llama": PACKAGE.Llama})
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        if vars(module).get("llama_cpp") is llama_cpp:
            vars(module)["llama_cpp"] = stand_in
