"""Writes a tiny random mixture of experts in float32, with more experts than a token uses and one that all share.

Upstream's own generator gives each token all experts, so there is nothing to choose.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

N_VOCAB = 128
N_LAYER = 2
N_EMBD = 48
N_HEAD = 4
N_HEAD_KV = 2
N_FF = 40
N_FF_SHARED = 56
N_EXPERT = 6
N_CHOSEN = 2

DESCRIPTION = (
    f"{N_EXPERT} experts in each of {N_LAYER} layers, of which each token uses {N_CHOSEN}, "
    "and one that all tokens share"
)


def write_tiny_experts(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "qwen2moe")
    writer.add_block_count(N_LAYER)
    writer.add_context_length(256)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(N_FF)
    writer.add_expert_feed_forward_length(N_FF)
    writer.add_expert_shared_feed_forward_length(N_FF_SHARED)
    writer.add_expert_count(N_EXPERT)
    writer.add_expert_used_count(N_CHOSEN)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(N_VOCAB)
    writer.add_tokenizer_model("none")

    rng = np.random.default_rng(54)

    def add(name: str, *shape: int) -> None:
        numbers = rng.normal(0, shape[-1] ** -0.5, shape)
        writer.add_tensor(name, numbers.astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(name, rng.uniform(0.5, 1.5, N_EMBD).astype(np.float32))

    add("token_embd.weight", N_VOCAB, N_EMBD)
    add("output.weight", N_VOCAB, N_EMBD)
    add_norm("output_norm.weight")
    n_kv = N_EMBD // N_HEAD * N_HEAD_KV
    for layer in range(N_LAYER):
        block = f"blk.{layer}"
        for name, n_rows in (("q", N_EMBD), ("k", n_kv), ("v", n_kv)):
            add(f"{block}.attn_{name}.weight", n_rows, N_EMBD)
            add(f"{block}.attn_{name}.bias", n_rows)
        add(f"{block}.attn_output.weight", N_EMBD, N_EMBD)
        add_norm(f"{block}.attn_norm.weight")
        add_norm(f"{block}.ffn_norm.weight")
        router = 3 * rng.normal(0, N_EMBD**-0.5, (N_EXPERT, N_EMBD))  # so that choices are rarely close
        writer.add_tensor(f"{block}.ffn_gate_inp.weight", router.astype(np.float32))
        add(f"{block}.ffn_gate_inp_shexp.weight", N_EMBD)
        for name, shape, shared in (
            ("gate", (N_FF, N_EMBD), (N_FF_SHARED, N_EMBD)),
            ("up", (N_FF, N_EMBD), (N_FF_SHARED, N_EMBD)),
            ("down", (N_EMBD, N_FF), (N_EMBD, N_FF_SHARED)),
        ):
            add(f"{block}.ffn_{name}_exps.weight", N_EXPERT, *shape)
            add(f"{block}.ffn_{name}_shexp.weight", *shared)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
