"""Writes a model that says what it is told to: the next token depends only on the last one, through a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

N_EMBD = 32
N_CTX = 256

#: last token -> next token -> its logit; those of all others are 0
Table = Mapping[str, Mapping[str, float]]


def write_parrot_model(path: Path, vocabulary: Sequence[str], end: str, table: Table) -> None:
    """Write a model of one layer of the Llama architecture, whose attention and feed-forward part add nothing.

    Args:
        path: the file to write.
        vocabulary: all tokens, including a newline. A text is split into the longest ones that fit.
        end: the token that ends a text.
        table: fewer than ``N_EMBD`` rows.
    """
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(N_EMBD)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(N_EMBD)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("rwkv")
    writer.add_token_list([_escaped(token) for token in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if token == end else gguf.TokenType.NORMAL for token in vocabulary])
    writer.add_eos_token_id(vocabulary.index(end))

    zeros = np.zeros((N_EMBD, N_EMBD), np.float32)
    ones = np.ones(N_EMBD, np.float32)
    embedding = np.zeros((len(vocabulary), N_EMBD), np.float32)
    output = np.zeros((len(vocabulary), N_EMBD), np.float32)
    rows = {token: number for number, token in enumerate(table, start=1)}
    for number, token in enumerate(vocabulary):
        embedding[number, rows.get(token, 0)] = 1
    for token, logits in table.items():
        for following, logit in logits.items():
            output[vocabulary.index(following), rows[token]] = logit
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", ones * np.float32(N_EMBD**-0.5))  # a single 1 is passed on unchanged
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", ones)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _escaped(token: str) -> str:
    return token.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
