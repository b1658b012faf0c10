"""Tiny random models of the architectures that upstream's test-llama-archs leaves out.

Their metadata is here; upstream's loader derives the tensors from it, and they are filled with random numbers.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

import gguf
import llama_cpp
import numpy as np

from support.low_level import N_GPU_LAYERS

Value = Union[bool, int, float, list[int], list[bool], list[str]]
Metadata = Mapping[str, Value]

STDEV = 0.3
N_VOCAB = 128

COMMON: Metadata = {
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.layer_norm_epsilon": 1e-5,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "attention.sliding_window": 32,
    "block_count": 2,
    "context_length": 256,
    "embedding_length": 64,
    "feed_forward_length": 96,
    "rope.dimension_count": 16,
    "vocab_size": N_VOCAB,
}

BERT: Metadata = {"attention.causal": False, "tokenizer.ggml.token_type_count": 2}
HEADS_OF_16: Metadata = {"attention.key_length": 16, "attention.value_length": 16}
T5: Metadata = {**HEADS_OF_16, "attention.head_count_kv": 4, "attention.relative_buckets_count": 8}
EXPERTS: Metadata = {
    "expert_count": 2,
    "expert_feed_forward_length": 32,
    "expert_shared_count": 1,
    "expert_shared_feed_forward_length": 32,
    "expert_used_count": 2,
    "leading_dense_block_count": 1,
}

#: architecture -> what it has in addition to COMMON or instead of it; keys get the architecture as a prefix if needed
METADATA: Mapping[str, Metadata] = {
    "apertus": {"xielu.alpha_n": 1.0, "xielu.alpha_p": 1.0, "xielu.beta": 1.0, "xielu.eps": 1e-7},
    "bert": BERT,
    "bitnet": {},
    "deepseek2-ocr": {**EXPERTS, "attention.head_count_kv": 4},
    "eurobert": {},
    "gemma-embedding": {**HEADS_OF_16, "block_count": 6},
    "gemma3n": {
        **HEADS_OF_16,
        "attention.shared_kv_layers": 2,
        "attention.sliding_window_pattern": 2,
        "block_count": 22,
        "embedding_length_per_layer_input": 16,
    },
    "gemma4": {
        **HEADS_OF_16,
        "attention.key_length_swa": 16,
        "attention.shared_kv_layers": 2,
        "attention.sliding_window_pattern": [True, True, False, True, False],
        "attention.value_length_swa": 16,
        "block_count": 5,
        "embedding_length_per_layer_input": 32,
        "rope.freq_base_swa": 10000.0,
    },
    "graniteswitch": {
        "adapters.count": 1,
        "adapters.lora_rank": 4,
        "adapters.token_ids_activate": [1],
        "adapters.token_ids_substitute": [2],
        "logit_scale": 1.0,
    },
    "jina-bert-v3": BERT,
    "llama-embed": {},
    "modern-bert": {"attention.sliding_window_pattern": 2, "rope.freq_base_swa": 10000.0},
    "neo-bert": {"attention.causal": False},
    "nomic-bert": BERT,
    "nomic-bert-moe": {**BERT, "expert_count": 2, "expert_used_count": 1, "moe_every_n_layers": 2},
    "plm": {
        "attention.head_count_kv": 4,
        "attention.key_length": 48,
        "attention.kv_lora_rank": 32,
        "attention.value_length": 32,
    },
    "rwkv6": {
        "attention.head_count": 0,
        "attention.head_count_kv": 0,
        "rescale_every_n_layers": 0,
        "time_decay_extra_dim": 16,
        "time_mix_extra_dim": 8,
        "wkv.head_size": 16,
    },
    "step35": {
        **EXPERTS,
        "attention.sliding_window_pattern": [True, False],
        "expert_gating_func": 2,
        "rope.freq_base_swa": 10000.0,
    },
    "t5": T5,
    "t5encoder": T5,
}

#: these give embeddings, but no logits
EMBEDDING = frozenset(
    [
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    ]
)

SetTensorData = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class GgufParams(ctypes.Structure):
    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


def libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    base = ctypes.CDLL(str(next(Path(llama_cpp.llama_cpp._base_path).glob("*ggml-base.*"))))
    base.gguf_init_from_file.restype = ctypes.c_void_p
    base.gguf_init_from_file.argtypes = [ctypes.c_char_p, GgufParams]
    base.gguf_free.argtypes = [ctypes.c_void_p]
    base.ggml_get_name.restype = ctypes.c_char_p
    base.ggml_get_name.argtypes = [ctypes.c_void_p]
    base.ggml_nelements.restype = ctypes.c_int64
    base.ggml_nelements.argtypes = [ctypes.c_void_p]
    base.ggml_nbytes.restype = ctypes.c_size_t
    base.ggml_nbytes.argtypes = [ctypes.c_void_p]
    base.ggml_backend_tensor_set.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    llama = llama_cpp.llama_cpp._lib
    llama.llama_model_init_from_user.restype = ctypes.c_void_p
    llama.llama_model_init_from_user.argtypes = [
        ctypes.c_void_p,
        SetTensorData,
        ctypes.c_void_p,
        llama_cpp.llama_model_params,
    ]
    return base, llama


def write_metadata(path: Path, architecture: str) -> None:
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in {**COMMON, **METADATA[architecture]}.items():
        name = key if key.startswith(("tokenizer.", "xielu.")) else f"{architecture}.{key}"
        add_value(writer, name, value)
    writer.add_string("tokenizer.ggml.model", "test")
    writer.add_array("tokenizer.ggml.tokens", [f"tok_{i}" for i in range(N_VOCAB)])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_value(writer: Any, name: str, value: Value) -> None:
    if isinstance(value, bool):
        writer.add_bool(name, value)
    elif isinstance(value, int):
        writer.add_uint32(name, value)
    elif isinstance(value, float):
        writer.add_float32(name, value)
    else:
        writer.add_array(name, value)


def load_metadata_model(architecture: str) -> int:
    """Return the address of a new llama_model."""
    base, llama = libraries()
    rng = np.random.default_rng(1)

    def fill(tensor: int, _: object) -> None:
        n = base.ggml_nelements(tensor)
        is_norm = b"norm" in base.ggml_get_name(tensor)
        values = np.ones(n) if is_norm else rng.normal(0, STDEV, n)
        data = values.astype(np.float32 if base.ggml_nbytes(tensor) == 4 * n else np.float16)
        base.ggml_backend_tensor_set(tensor, data.ctypes.data, 0, data.nbytes)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metadata.gguf")
        write_metadata(path, architecture)
        metadata = base.gguf_init_from_file(str(path).encode(), GgufParams(True, None))
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = N_GPU_LAYERS
    model = llama.llama_model_init_from_user(metadata, SetTensorData(fill), None, params)
    base.gguf_free(metadata)
    assert model, architecture
    return int(model)
