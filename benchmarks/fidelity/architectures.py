"""Which independent model fits a file."""

from __future__ import annotations

from pathlib import Path

import gguf

from benchmarks.fidelity.arrays import Arrays
from benchmarks.fidelity.experts import ExpertsModel
from benchmarks.fidelity.gpt2 import Gpt2Model
from benchmarks.fidelity.model import LlamaModel, setting
from benchmarks.fidelity.qwen2 import Qwen2Model

MODELS: tuple[type[LlamaModel], ...] = (LlamaModel, Qwen2Model, ExpertsModel, Gpt2Model)


def open_model(path: Path, arrays: Arrays) -> LlamaModel:
    """Read a GGUF file."""
    reader = gguf.GGUFReader(path)
    architecture = setting(reader, "general.architecture")
    for model in MODELS:
        if model.architecture == architecture:
            return model(reader, arrays)
    known = ", ".join(model.architecture for model in MODELS)
    raise SystemExit(f"benchmarks: {path} has the architecture {architecture}; the ones implemented here are {known}")
