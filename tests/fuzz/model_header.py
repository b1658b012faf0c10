"""Files that are not models, and damaged headers of a tiny one: the messages they give.

llama.cpp's parser does not report its coverage, so a guided fuzzer would shorten a header to its first bytes. Input
that begins with a byte other than 0 is therefore a list of changes to the header of a whole file.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from drugs_cpp import ModelFileError
from drugs_cpp.model.model_file import check_model_file, explain_load_failure
from fuzz.choices import Choices
from fuzz.refusals import check_refusal
from support.tiny_model import write_tiny_model

_FOLDER = tempfile.TemporaryDirectory(prefix="drugs-fuzz-")
_FILE = Path(_FOLDER.name) / "model.gguf"

_MOST_CHANGES = 8


@functools.cache
def whole_file() -> tuple[bytes, int]:
    """A tiny model, and the length of its header."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        write_tiny_model(path, n_layer=1, n_embd=16, n_ff=16)
        whole = path.read_bytes()
    return whole, whole.index(b"blk.0.ffn_down.weight") + 64


def check(data: bytes) -> None:
    content = data[1:] if data[:1] == b"\0" else _changed_file(Choices(data))
    _FILE.write_bytes(content)
    try:
        check_model_file(_FILE)
    except ModelFileError as error:
        assert not content.startswith(b"GGUF")
        _check_message(error)
        return
    assert content.startswith(b"GGUF")
    explained = explain_load_failure(_FILE, ValueError(f"Failed to load model from file: {_FILE}"))
    assert isinstance(explained, ModelFileError)
    _check_message(explained)


def _changed_file(choices: Choices) -> bytes:
    whole, end = whole_file()
    choices.take(1)
    for _ in range(_MOST_CHANGES):
        if not choices.is_over:
            at, is_moved = choices.below(end), choices.one_of([False, False, False, True])
            new = choices.take(choices.one_of([1, 1, 4, 8]))
            whole = whole[:at] + new + whole[at + (0 if is_moved else len(new)) :]
    return whole


def _check_message(error: ModelFileError) -> None:
    check_refusal(error)
    assert str(_FILE) in str(error)
