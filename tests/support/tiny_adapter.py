"""Writes a LoRA adapter for the tiny model, strong enough to change its texts."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from support.tiny_model import N_EMBD

_RANK = 4


def write_tiny_adapter(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))
    rng = np.random.default_rng(4)
    for part, shape in (("a", (_RANK, N_EMBD)), ("b", (N_EMBD, _RANK))):
        writer.add_tensor(f"blk.0.attn_q.weight.lora_{part}", rng.normal(0, 1, shape).astype(np.float32))
        writer.add_tensor(f"blk.0.attn_output.weight.lora_{part}", rng.normal(0, 1, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
