"""Writes tiny random models of the Qwen2 and GPT-2 architectures in float32.

Their weights are large enough that attention is far from uniform.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

N_VOCAB = 128
N_CTX = 256
N_LAYER = 3
N_EMBD = 48
N_HEAD = 4
N_HEAD_KV = 2  # of Qwen2; GPT-2's heads share nothing
N_FF = 80

#: a text that is longer than a batch of a trace
TOKENS = [(7 * i * i + 3 * i + 5) % N_VOCAB for i in range(80)]


class TinyWriter:
    """A file of an architecture, with the settings that all of them need and random tensors."""

    def __init__(self, path: Path, architecture: str) -> None:
        self.file = gguf.GGUFWriter(path, architecture)
        self.file.add_block_count(N_LAYER)
        self.file.add_context_length(N_CTX)
        self.file.add_embedding_length(N_EMBD)
        self.file.add_feed_forward_length(N_FF)
        self.file.add_head_count(N_HEAD)
        self.file.add_vocab_size(N_VOCAB)
        self.file.add_tokenizer_model("llama")
        self.file.add_token_list([f"<0x{byte:02X}>" for byte in range(N_VOCAB)])
        self.file.add_token_scores([0.0] * N_VOCAB)
        self.file.add_token_types([gguf.TokenType.BYTE] * N_VOCAB)
        self._random = np.random.default_rng(7)

    def matrix(self, name: str, n_rows: int, n_columns: int, bias: bool = False) -> None:
        numbers = self._random.normal(0, 1.5 * n_columns**-0.5, (n_rows, n_columns))
        self.file.add_tensor(f"{name}.weight", numbers.astype(np.float32))
        if bias:
            self.file.add_tensor(f"{name}.bias", self._random.normal(0, 1, n_rows).astype(np.float32))

    def norm(self, name: str, bias: bool = False) -> None:
        self.file.add_tensor(f"{name}.weight", self._random.uniform(0.5, 1.5, N_EMBD).astype(np.float32))
        if bias:
            self.file.add_tensor(f"{name}.bias", self._random.normal(0, 0.5, N_EMBD).astype(np.float32))

    def close(self) -> None:
        self.file.write_header_to_file()
        self.file.write_kv_data_to_file()
        self.file.write_tensors_to_file()
        self.file.close()


def write_tiny_qwen2(path: Path) -> None:
    """Write a model whose embedding is also its head, and whose queries, keys and values have a bias."""
    writer = TinyWriter(path, "qwen2")
    writer.file.add_head_count_kv(N_HEAD_KV)
    writer.file.add_layer_norm_rms_eps(1e-6)
    writer.file.add_rope_freq_base(1e4)
    writer.matrix("token_embd", N_VOCAB, N_EMBD)
    writer.norm("output_norm")
    n_kv = N_EMBD // N_HEAD * N_HEAD_KV
    for layer in range(N_LAYER):
        block = f"blk.{layer}"
        writer.norm(f"{block}.attn_norm")
        for name, n_rows in (("q", N_EMBD), ("k", n_kv), ("v", n_kv)):
            writer.matrix(f"{block}.attn_{name}", n_rows, N_EMBD, bias=True)
        writer.matrix(f"{block}.attn_output", N_EMBD, N_EMBD)
        writer.norm(f"{block}.ffn_norm")
        writer.matrix(f"{block}.ffn_gate", N_FF, N_EMBD)
        writer.matrix(f"{block}.ffn_up", N_FF, N_EMBD)
        writer.matrix(f"{block}.ffn_down", N_EMBD, N_FF)
    writer.close()


def write_tiny_gpt2(path: Path) -> None:
    """Write a model with learned positions and a bias for every matrix and norm."""
    writer = TinyWriter(path, "gpt2")
    writer.file.add_layer_norm_eps(1e-5)
    writer.matrix("token_embd", N_VOCAB, N_EMBD)
    writer.matrix("position_embd", N_CTX, N_EMBD)
    writer.norm("output_norm", bias=True)
    for layer in range(N_LAYER):
        block = f"blk.{layer}"
        writer.norm(f"{block}.attn_norm", bias=True)
        writer.matrix(f"{block}.attn_qkv", 3 * N_EMBD, N_EMBD, bias=True)
        writer.matrix(f"{block}.attn_output", N_EMBD, N_EMBD, bias=True)
        writer.norm(f"{block}.ffn_norm", bias=True)
        writer.matrix(f"{block}.ffn_up", N_FF, N_EMBD, bias=True)
        writer.matrix(f"{block}.ffn_down", N_EMBD, N_FF, bias=True)
    writer.close()


TINY_MODELS = {"qwen2": write_tiny_qwen2, "gpt2": write_tiny_gpt2}
