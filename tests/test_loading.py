"""Arguments for loading a model: unusable sizes and adapters are reported before anything is loaded."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeLlama
from drugs_cpp import Llama, ModelFileError, ModelNotFoundError, OptionError
from support.process import run_python
from support.tiny_adapter import write_tiny_adapter
from support.tiny_texts import PROMPT, strong, text

SIZES = [
    *((name, value) for name in ("n_batch", "n_ubatch") for value in (0, -1, 2**31, 2**32, 1.5, "8", True, None)),
    *(("n_ctx", value) for value in (-1, 2**31, 2**32, 2.0, None)),
    *((name, value) for name in ("n_threads", "n_threads_batch") for value in (-1, 513, 10**9, 1.5)),
    ("pooling_type", 17),
    ("attention_type", 9),
    ("rope_scaling_type", 40),
    ("split_mode", 77),
    ("last_n_tokens_size", -1),
]


@pytest.mark.parametrize(("name", "value"), SIZES)
def test_a_size_that_cannot_be_used_is_named(tiny_model_path: str, name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{name} is "):
        Llama(tiny_model_path, verbose=False, **{name: value})


@pytest.mark.parametrize(("name", "value"), [("n_batch", -1), ("n_batch", 0), ("n_ubatch", 0), ("pooling_type", 17)])
def test_no_size_ends_the_process(tiny_model_path: str, name: str, value: int) -> None:
    script = f"import drugs_cpp, sys\ntry: drugs_cpp.Llama(sys.argv[1], {name}={value}, verbose=False)\n"
    done = run_python("-c", script + "except drugs_cpp.OptionError as error: print(error)", tiny_model_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{name} is {value}" in done.stdout


def test_small_and_usual_sizes_are_taken(make_llama: MakeLlama, tiny_model_path: str) -> None:
    texts = [
        text(make_llama(tiny_model_path, drugs=strong(), **sizes))
        for sizes in ({}, {"n_batch": 3, "n_ubatch": 2}, {"n_ctx": 0}, {"n_threads": 0}, {"n_batch": 100_000})
    ]
    assert len({tuple(found) for found in texts}) == 1


def test_an_adapter_that_is_not_there(tiny_model_path: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no LoRA adapter file at /no/such"):
        Llama(tiny_model_path, lora_path="/no/such", verbose=False)
    with pytest.raises(ModelFileError, match="is a folder"):
        Llama(tiny_model_path, lora_path=str(tmp_path), verbose=False)
    (tmp_path / "text").write_text("text")
    with pytest.raises(ModelFileError, match="is not a GGUF LoRA adapter"):
        Llama(tiny_model_path, lora_path=str(tmp_path / "text"), verbose=False)


def test_a_file_that_is_another_kind_of_gguf(tiny_model_path: str) -> None:
    with pytest.raises(ModelFileError, match="is not a LoRA adapter of this model: "):
        Llama(tiny_model_path, lora_path=tiny_model_path, verbose=False)


def test_an_adapter_is_used_and_kept(make_llama: MakeLlama, tiny_model_path: str, tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    write_tiny_adapter(path)
    plain = text(make_llama(tiny_model_path))
    adapted = make_llama(tiny_model_path, lora_path=str(path))
    found = text(adapted)
    assert found != plain
    assert text(make_llama(tiny_model_path, lora_path=str(path), lora_scale=0.0)) == plain
    varied: Any = adapted.variations(PROMPT, n=1, max_tokens=24)
    assert varied["usage"]["completion_tokens"] == 24
    again = pickle.loads(pickle.dumps(adapted))
    assert again.lora_path == str(path)
    assert text(again) == found
    again.close()


QUIET_IN_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import drugs_cpp
before = sys.stdout
def load(_):
    drugs_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=1, n_threads_batch=1, verbose=False).close()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(load, range(24)))
assert sys.stdout is before
print("still here")
"""


def test_quiet_models_in_several_threads_leave_stdout_as_it_was(tiny_model_path: str) -> None:
    assert run_python("-c", QUIET_IN_THREADS, tiny_model_path).stdout.strip() == "still here"
