"""Writes a model whose tokens are the 256 bytes, with the word splitter of a real model."""

from __future__ import annotations

from pathlib import Path

import gguf

from support.tiny_model import write_tiny_model

N_VOCAB = 256

#: bytes that stand for themselves in a BPE vocabulary; the others are the characters from 256 on
_SHOWN = frozenset([*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)])


def write_byte_model(path: Path, pre: str) -> None:
    """Write a random model.

    Args:
        path: the file to write.
        pre: llama.cpp's name for a way to split text into words, such as "gpt-4o".
    """

    def add_vocabulary(writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(_characters())
        writer.add_token_types([gguf.TokenType.NORMAL] * N_VOCAB)
        writer.add_token_merges(["Ā ā"])  # llama.cpp needs one
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(0)

    write_tiny_model(path, n_vocab=N_VOCAB, add_vocabulary=add_vocabulary)


def _characters() -> list[str]:
    characters, n_hidden = [], 0
    for byte in range(N_VOCAB):
        characters.append(chr(byte) if byte in _SHOWN else chr(N_VOCAB + n_hidden))
        n_hidden += byte not in _SHOWN
    return characters
