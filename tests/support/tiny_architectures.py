"""Tiny random models of nearly every architecture.

Imports ``llama_cpp`` only, so that it also runs on unpatched libraries.

usage: python -m support.tiny_architectures    (on LLAMA_CPP_LIB_PATH's libraries)

reads lines [ARCHITECTURE, FILE...] in JSON, and answers each with a hash of what the models in these files, or one from
metadata if there are none, compute sober, and of the graphs that do so.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import gguf
import numpy as np
import numpy.typing as npt

from support.low_level import Context
from support.metadata_model import EMBEDDING, load_metadata_model
from support.process import python_environment

F32 = npt.NDArray[np.float32]

#: weights large enough that attention is not uniform; the seed makes the models the same every time
MODEL_OPTIONS = ("-s", "1", "-d", "0.3")

#: llama.cpp itself aborts if it runs these with flash attention
WITHOUT_FLASH_ATTENTION = frozenset({"plm"})

#: llama.cpp writes these, and runs them without their MLP
WITHOUT_EXPERTS = frozenset({"refact-moe"})

#: these gather the positions they attend to, and compute attention themselves, if these are fewer than all positions
GATHERS = frozenset({"glm5-next"})

TOKENS = [(7 * i * i + 3 * i + 5) % 128 for i in range(28)]
N_PROMPT = 24


@contextmanager
def tiny_models(architecture: str, program: str) -> Iterator[list[Path]]:
    """Random models written by upstream's program: with and without experts if possible, perhaps none."""
    with tempfile.TemporaryDirectory() as folder:
        only = f"^{re.escape(architecture)}$"
        subprocess.run([program, "-a", only, *MODEL_OPTIONS, "-o", folder], check=True, capture_output=True)
        paths = [path for path in sorted(Path(folder).glob("*.gguf")) if path.stem not in WITHOUT_EXPERTS]
        yield paths + [with_few_attended(path, architecture) for path in paths if architecture in GATHERS]


def with_few_attended(path: Path, architecture: str) -> Path:
    """A copy of the model that attends to 8 positions, while upstream's fixture attends to all."""
    copy = path.with_name(f"few-{path.name}")
    shutil.copy(path, copy)
    field = gguf.GGUFReader(copy, "r+").fields[f"{architecture}.attention.indexer.top_k"]
    field.parts[field.data[0]][0] = 8
    return copy


def open_model(architecture: str, path: Path | None, plain: bool = False, records: bool = False) -> Context:
    """Open a model as drugs_cpp.Llama does, or plain: several sequences, no flash attention. No path: from metadata."""
    flash_attn = not plain and architecture not in WITHOUT_FLASH_ATTENTION
    return Context(
        (lambda: load_metadata_model(architecture)) if path is None else str(path),
        n_threads=1,
        flash_attn=flash_attn,
        n_seq_max=4 if plain else 1,
        embeddings=architecture in EMBEDDING,
        records=records,
    )


def run(ctx: Context) -> F32:
    """Decode a batch and then single tokens, from an empty cache, under the context's dose."""
    ctx.forget()
    rows = [ctx.feed(TOKENS[:N_PROMPT])]
    if ctx.memory:
        rows += [ctx.feed([token], N_PROMPT + i) for i, token in enumerate(TOKENS[N_PROMPT:])]
    return np.concatenate(rows)


def digest(architecture: str, *paths: str) -> str:
    state = hashlib.sha256()
    sources: list[Path | None] = [*map(Path, paths)] or [None]
    for path, plain in itertools.product(sources, (False, True)):
        with open_model(architecture, path, plain, records=True) as ctx:
            state.update(run(ctx).tobytes())
            state.update(",".join(ctx.ops).encode())
    return state.hexdigest()


class Digester:
    """This module in a process with other libraries."""

    def __init__(self, libraries: str, log: IO[str]) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.tiny_architectures"],
            env=python_environment(LLAMA_CPP_LIB_PATH=libraries),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def ask(self, architecture: str, paths: list[Path]) -> None:
        """Begin to compute a hash."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([architecture, *map(str, paths)]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """The hash that was asked for."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, Path(self._log.name).read_text(encoding="utf-8")[-6000:]
        return line.strip()

    def close(self) -> None:
        self._process.communicate()


if __name__ == "__main__":
    for line in sys.stdin:
        print(digest(*json.loads(line)), flush=True)
