from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
import pytest

from drugs_cpp import Llama, ModelFileError, ModelNotFoundError
from drugs_cpp.model.model_file import check_model_file, explain_load_failure


@pytest.fixture
def tiny_model(tiny_model_path: str) -> bytes:
    return Path(tiny_model_path).read_bytes()


def load_error(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        Llama(path, n_ctx=64, verbose=False)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_model_passes(tiny_model_path: str) -> None:
    check_model_file(tiny_model_path)
    check_model_file(Path(tiny_model_path))


def test_no_such_file(tmp_path: Path) -> None:
    for kind in (ModelNotFoundError, FileNotFoundError, ValueError):
        with pytest.raises(kind, match=r"none\.gguf.*give the path"):
            Llama(tmp_path / "none.gguf")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in load_error(tmp_path)


@pytest.mark.parametrize("content", [b"", b"GGU", b"hello, this is text", b"FUGG" + bytes(100)])
def test_no_gguf(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    assert f"begins with {content[:4]!r}" in load_error(file)


@pytest.mark.parametrize("kept", [4, 20, 200, 5000, -40000, -1])
def test_cut_short(kept: int, tiny_model: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_model[:kept])
    assert "cut short: get it again" in load_error(file)


def test_unknown_architecture(tiny_model: bytes, tmp_path: Path) -> None:
    key = tiny_model.index(b"general.architecture")
    name = tiny_model.index(b"llama", key)
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_model[:name] + b"lemma" + tiny_model[name + 5 :])
    assert "unknown model architecture: 'lemma'" in load_error(file)


def test_a_token_twice(tiny_model: bytes, tmp_path: Path) -> None:
    """One damaged byte, which used to make llama.cpp end the process."""
    token = tiny_model.index(b"A", tiny_model.index(b"@", tiny_model.index(b"tokenizer.ggml.tokens")))
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_model[:token] + b"@" + tiny_model[token + 1 :])
    assert "a token is in the vocabulary twice" in load_error(file)


def test_a_missing_header_entry(tiny_model: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_model.replace(b"llama.block_count", b"llama.block_counx"))
    load_error(file)


def test_errors_that_the_file_is_not_to_blame_for(tiny_model_path: str) -> None:
    error = explain_load_failure(tiny_model_path, ValueError("Value for general.name is too long"))
    assert type(error) is ValueError
    assert str(error) == "Value for general.name is too long"


def test_no_room_for_the_context(tiny_model_path: str) -> None:
    error = explain_load_failure(tiny_model_path, ValueError("Failed to create llama_context"))
    assert isinstance(error, ModelFileError)
    assert "smaller n_ctx" in str(error)


def log_callback() -> int | None:
    """Address of the function to which llama.cpp sends its messages."""
    callback, data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(callback), ctypes.byref(data))
    return ctypes.cast(callback, ctypes.c_void_p).value


def test_a_failed_load_leaves_nothing_behind(
    tiny_model: bytes, tiny_model_path: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """llama.cpp's messages go to the same place as before, and another model can be loaded."""
    before = log_callback()
    file = tmp_path / "model.gguf"
    file.write_bytes(tiny_model[:-1])
    load_error(file)
    assert log_callback() == before
    assert capfd.readouterr().err == ""
    llm = Llama(tiny_model_path, n_ctx=64, verbose=False)
    llm.eval([1, 5, 9])
    llm.close()
