"""Writes a tiny random model of the Llama architecture in float32, with little rounding: its batches agree to 1e-5."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

N_VOCAB = 128
N_LAYER = 3
N_EMBD = 48
N_HEAD = 4
N_HEAD_KV = 2
N_FF = 96
N_CTX = 256


#: pairs of letters, for texts that are too long for a model of single characters
PAIRS = ["".join(pair) for pair in itertools.product("▁" + string.ascii_lowercase, string.ascii_lowercase)]


def add_ascii(writer: gguf.GGUFWriter, more: Sequence[str] = ()) -> None:
    """A token for each ASCII character except the first three, so that ASCII text can be tokenized, and more tokens."""
    special = {"<unk>": gguf.TokenType.UNKNOWN, "<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL}
    control = {f"<0x{code:02X}>": gguf.TokenType.BYTE for code in range(len(special), ord(" "))}
    printed = {chr(code).replace(" ", "▁"): gguf.TokenType.NORMAL for code in range(ord(" "), N_VOCAB)}
    vocabulary = {**special, **control, **printed, **dict.fromkeys(more, gguf.TokenType.NORMAL)}
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_token_types(list(vocabulary.values()))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for name, token in (("pre", 3), ("suf", 4), ("mid", 5)):  # for infill
        writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", token)


def add_pairs(writer: gguf.GGUFWriter) -> None:
    """Tokens for pairs of letters as well; there are N_VOCAB + len(PAIRS)."""
    add_ascii(writer, PAIRS)


def write_tiny_model(
    path: Path,
    n_layer: int = N_LAYER,
    n_embd: int = N_EMBD,
    n_ff: int = N_FF,
    n_ctx: int = N_CTX,
    n_vocab: int = N_VOCAB,
    add_vocabulary: Callable[[gguf.GGUFWriter], None] = add_ascii,
) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(n_layer)
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(n_embd)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(N_HEAD_KV)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(n_embd // N_HEAD)
    writer.add_vocab_size(n_vocab)
    add_vocabulary(writer)

    rng = np.random.default_rng(3)

    def random(*shape: int) -> npt.NDArray[np.float32]:
        return rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random(*shape))

    n_kv = n_embd // N_HEAD * N_HEAD_KV
    add("token_embd.weight", n_vocab, n_embd)
    output = random(n_vocab, n_embd)
    output[:3] = 0  # so that a text never ends on its own
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(n_embd, np.float32))
    for il in range(n_layer):
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{il}.{norm}.weight", np.ones(n_embd, np.float32))
        add(f"blk.{il}.attn_q.weight", n_embd, n_embd)
        add(f"blk.{il}.attn_k.weight", n_kv, n_embd)
        add(f"blk.{il}.attn_v.weight", n_kv, n_embd)
        add(f"blk.{il}.attn_output.weight", n_embd, n_embd)
        add(f"blk.{il}.ffn_gate.weight", n_ff, n_embd)
        add(f"blk.{il}.ffn_up.weight", n_ff, n_embd)
        add(f"blk.{il}.ffn_down.weight", n_embd, n_ff)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
