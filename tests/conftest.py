from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

import drugs_cpp
from drugs_cpp import Llama
from support.ctrl_c import CtrlC
from support.low_level import N_GPU_LAYERS
from support.not_run import pytest_sessionfinish  # noqa: F401  (a hook)
from support.program import Server
from support.serving import TINY
from support.short_model import write_short_model
from support.slow_first import pytest_collection_modifyitems  # noqa: F401  (a hook)
from support.tiny_model import write_tiny_model
from support.tiny_texts import strong

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background process, whose children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

MakeLlama = Callable[..., Llama]
PressCtrlC = Callable[[Callable[[], int], int], CtrlC]

#: the programs use a GPU if they find one; an option on their command line takes precedence
os.environ.setdefault("LLAMA_ARG_N_GPU_LAYERS", str(N_GPU_LAYERS))
#: the classes of both packages do not; an argument takes precedence
defaults = llama_cpp.Llama.__init__.__kwdefaults__
assert defaults is not None
defaults["n_gpu_layers"] = N_GPU_LAYERS

#: for tests that need the same text from batches of different sizes
same_rounding = pytest.mark.skipif(
    N_GPU_LAYERS != 0, reason="a card rounds batches of another size differently: `make test` runs it on the processor"
)


def built_by_make(variable: str) -> str:
    """The path where ``make test`` built what a test needs, from an environment variable that it always sets."""
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} is not set: `make test` builds what it names and sets it")
    return path


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A separate cache folder for this package and for the programs that tests run."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRUGS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def model_path() -> str:
    """The real model: SmolLM2-135M-Instruct in Q4_1."""
    return str(drugs_cpp.default_model())


@pytest.fixture(scope="session")
def short_model_path(model_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real model with 4 of its 30 layers, for tests that need its words, its quantization and many tokens."""
    path = tmp_path_factory.mktemp("models") / "short.gguf"
    write_short_model(model_path, path)
    return str(path)


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model of 3 layers in float32, for properties that quantization would blur."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_tiny_model(path)
    return str(path)


@pytest.fixture
def make_llama(short_model_path: str) -> Iterator[MakeLlama]:
    """Creates quiet models, from the short model unless a path is given, and closes them after the test."""
    made: list[Llama] = []
    # threads wait for each other after every operation, which takes long if something else is running
    usual = {"n_ctx": 256, "n_threads": 1, "n_threads_batch": 1, "n_gpu_layers": N_GPU_LAYERS, "verbose": False}

    def make(path: str | Path = short_model_path, **kwargs: Any) -> Llama:
        made.append(Llama(path, **{**usual, **kwargs}))
        return made[-1]

    yield make
    for llm in made:
        llm.close()


@pytest.fixture
def llm(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """A tiny model under strong doses."""
    return make_llama(tiny_model_path, drugs=strong())


@pytest.fixture
def sober(make_llama: MakeLlama, tiny_model_path: str) -> Llama:
    """The same model without doses."""
    return make_llama(tiny_model_path)


@pytest.fixture
def press_ctrl_c() -> Iterator[PressCtrlC]:
    """``press_ctrl_c(progress, start)`` presses it when ``progress()`` has reached ``start``."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    pressing: list[CtrlC] = []

    def press(progress: Callable[[], int], start: int) -> CtrlC:
        pressing.append(CtrlC(progress, start))
        pressing[-1].start()
        return pressing[-1]

    yield press
    for thread in pressing:
        thread.cancel()
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
