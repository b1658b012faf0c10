"""Writes a model of a common size with random weights: as fast as a real one, but its text is noise."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np
import numpy.typing as npt


class Shape(NamedTuple):
    """Sizes of a model of the Llama architecture."""

    n_layer: int
    n_embd: int
    n_head: int
    n_head_kv: int
    n_ff: int
    n_vocab: int


#: about 3 billion weights, 1.6 GB
LARGE = Shape(n_layer=28, n_embd=3072, n_head=24, n_head_kv=8, n_ff=8192, n_vocab=32000)

N_CTX = 8192

_SCALE_OF_BLOCK = 0.005  # weights are up to about +-8 times this
_BLOCK = 32
_BLOCK_BYTES = 18


def write_model(path: Path, shape: Shape = LARGE) -> None:
    """Write the model in Q4_0, with norms in float32."""
    part = path.with_suffix(".part")  # so that an interrupted run leaves no incomplete model
    writer = gguf.GGUFWriter(part, "llama", use_temp_file=True)
    head_size = shape.n_embd // shape.n_head
    writer.add_block_count(shape.n_layer)
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(shape.n_embd)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head_size)
    writer.add_vocab_size(shape.n_vocab)
    _add_vocabulary(writer, shape.n_vocab)

    rng = np.random.default_rng(5)

    def add(name: str, n_rows: int, n_columns: int) -> None:
        writer.add_tensor(f"{name}.weight", _q4_0(rng, n_rows, n_columns), raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(shape.n_embd, np.float32))

    n_kv = head_size * shape.n_head_kv
    add("token_embd", shape.n_vocab, shape.n_embd)
    add_norm("output_norm")
    for il in range(shape.n_layer):
        block = f"blk.{il}."
        add_norm(block + "attn_norm")
        add(block + "attn_q", shape.n_embd, shape.n_embd)
        add(block + "attn_k", n_kv, shape.n_embd)
        add(block + "attn_v", n_kv, shape.n_embd)
        add(block + "attn_output", shape.n_embd, shape.n_embd)
        add_norm(block + "ffn_norm")
        add(block + "ffn_gate", shape.n_ff, shape.n_embd)
        add(block + "ffn_up", shape.n_ff, shape.n_embd)
        add(block + "ffn_down", shape.n_embd, shape.n_ff)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)


def _q4_0(rng: np.random.Generator, n_rows: int, n_columns: int) -> npt.NDArray[np.uint8]:
    """Return random blocks: a float16 scale and 16 bytes of two numbers each."""
    blocks = rng.integers(0, 256, (n_rows * n_columns // _BLOCK, _BLOCK_BYTES), dtype=np.uint8)
    blocks[:, :2] = np.array([_SCALE_OF_BLOCK], np.float16).view(np.uint8)
    return blocks.reshape(n_rows, n_columns // _BLOCK * _BLOCK_BYTES)


def _add_vocabulary(writer: gguf.GGUFWriter, n_vocab: int) -> None:
    special = {"<unk>": gguf.TokenType.UNKNOWN, "<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL}
    single = {f"<0x{byte:02X}>": gguf.TokenType.BYTE for byte in range(256)}
    words = {f"▁w{number}": gguf.TokenType.NORMAL for number in range(n_vocab - len(special) - len(single))}
    vocabulary = {**special, **single, **words}
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    writer.add_token_scores([0.0] * n_vocab)
    writer.add_token_types(list(vocabulary.values()))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
