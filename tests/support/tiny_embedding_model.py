"""Writes a tiny random model of the BERT architecture, which gives embeddings."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from support.tiny_model import N_VOCAB, add_ascii

N_LAYER = 2
N_EMBD = 64
N_HEAD = 4
N_FF = 96
N_CTX = 256

#: name in a layer -> rows, columns; each weight has a bias
WEIGHTS = {
    "attn_q": (N_EMBD, N_EMBD),
    "attn_k": (N_EMBD, N_EMBD),
    "attn_v": (N_EMBD, N_EMBD),
    "attn_output": (N_EMBD, N_EMBD),
    "ffn_up": (N_FF, N_EMBD),
    "ffn_down": (N_EMBD, N_FF),
}


def write_tiny_embedding_model(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_block_count(N_LAYER)
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(N_HEAD)
    writer.add_layer_norm_eps(1e-5)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.CLS)
    writer.add_token_type_count(2)
    add_ascii(writer)

    rng = np.random.default_rng(4)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(N_EMBD, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(N_EMBD, np.float32))

    add("token_embd.weight", N_VOCAB, N_EMBD)
    add("token_types.weight", 2, N_EMBD)
    add("position_embd.weight", N_CTX, N_EMBD)
    add_norm("token_embd_norm")
    for il in range(N_LAYER):
        for name, shape in WEIGHTS.items():
            add(f"blk.{il}.{name}.weight", *shape)
            add(f"blk.{il}.{name}.bias", shape[0])
        add_norm(f"blk.{il}.attn_output_norm")
        add_norm(f"blk.{il}.layer_output_norm")

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
