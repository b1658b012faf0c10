from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import drugs_cpp
from drugs_cpp import Llama
from low_level import N_GPU_LAYERS
from program import Server
from serving import TINY
from tiny_model import write_tiny_model

MakeLlama = Callable[..., Llama]

#: the programs take a card if they find one; an option on their command line counts more
os.environ.setdefault("LLAMA_ARG_N_GPU_LAYERS", str(N_GPU_LAYERS))

#: of tests that want the same text from batches of different sizes
same_rounding = pytest.mark.skipif(N_GPU_LAYERS != 0, reason="a card rounds batches of another size otherwise")


def built_by_make(variable: str) -> str:
    """Where ``make test`` built what a test needs; it says so in an environment variable, and never leaves one out."""
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} is not set: `make test` builds what it names and sets it")
    return path


@pytest.fixture(scope="session")
def model_path() -> str:
    """The real model: SmolLM2-135M-Instruct in Q4_1."""
    return str(drugs_cpp.default_model())


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model of 3 layers in float32, for properties that quantization would blur."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_tiny_model(path)
    return str(path)


@pytest.fixture
def make_llama(model_path: str) -> Iterator[MakeLlama]:
    """Makes quiet models, real ones unless a path is given, and closes them after the test."""
    made: list[Llama] = []
    usual = {"n_ctx": 256, "n_threads": 2, "n_threads_batch": 2, "n_gpu_layers": N_GPU_LAYERS, "verbose": False}

    def make(path: str | Path = model_path, **kwargs: Any) -> Llama:
        made.append(Llama(path, **{**usual, **kwargs}))
        return made[-1]

    yield make
    for llm in made:
        llm.close()


@pytest.fixture
def press_ctrl_c() -> Iterator[Callable[[float], threading.Timer]]:
    """Presses Ctrl-C in so many seconds; a process that was started in the background would ignore it."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        return timer

    yield press
    signal.signal(signal.SIGINT, old)


@pytest.fixture(scope="module")
def tiny_server(tiny_model_path: str) -> Iterator[Server]:
    with Server("-m", tiny_model_path, *TINY) as server:
        yield server


@pytest.fixture(scope="module")
def real_server(model_path: str) -> Iterator[Server]:
    with Server("-m", model_path, "-c", "4096", "-np", "4") as server:
        yield server


def last_logits(llm: Llama) -> npt.NDArray[np.float32]:
    """Logits of the token evaluated last, float32 (n_vocab,)."""
    return np.ctypeslib.as_array(llm._ctx.get_logits(), shape=(llm.n_vocab(),)).copy()
