"""llama.cpp's plain C interface, for several sequences in a batch and for inspecting the graph.

Imports ``llama_cpp`` only, so that it also runs on unpatched libraries.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp._logger import set_verbose

#: none, unless `make check-gpu` puts all of them on a GPU
N_GPU_LAYERS = int(os.environ.get("DRUGS_TEST_GPU_LAYERS", "0"))

if backend := os.environ.get("GGML_BACKEND_PATH"):  # our libraries load it by themselves
    folder = Path(llama_cpp.llama_cpp._base_path)
    ctypes.CDLL(str(next(folder.glob("libggml.*")))).ggml_backend_load(backend.encode())

#: token, position, sequences
Entry = tuple[int, int, Sequence[int]]


def load_model(path: str) -> int:
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = N_GPU_LAYERS
    return int(llama_cpp.llama_model_load_from_file(path.encode(), params))


class Context:
    """A model and a context; if it ``records``, ``_record`` gets each graph node, and ``ops`` has their names."""

    def __init__(
        self,
        path: str | Callable[[], int],
        n_threads: int = 1,
        flash_attn: bool = False,
        n_ubatch: int = 512,
        n_seq_max: int = 4,
        embeddings: bool = False,
        cache_type: int = llama_cpp.GGML_TYPE_F16,
        records: bool = False,
    ) -> None:
        llama_cpp.llama_backend_init()
        self._ops: list[str] = []
        self._records = records
        self._ggml = ctypes.CDLL(str(next(Path(llama_cpp.llama_cpp._base_path).glob("*ggml-base.*"))))
        self._ggml.ggml_op_desc.restype = ctypes.c_char_p
        self._ggml.ggml_op_desc.argtypes = [ctypes.c_void_p]
        self._callback = llama_cpp.ggml_backend_sched_eval_callback(self._record)
        set_verbose(False)
        self.model = path() if callable(path) else load_model(path)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = 512
        params.n_batch = 512
        params.n_ubatch = n_ubatch
        params.n_seq_max = n_seq_max
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = n_threads
        params.flash_attn_type = int(flash_attn)
        params.type_k = params.type_v = cache_type
        if records:
            params.cb_eval = self._callback
        if embeddings:
            params.embeddings = True
            params.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
        self.address = llama_cpp.llama_init_from_model(self.model, params)
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.memory = llama_cpp.llama_get_memory(self.address)
        self._translates = self.memory and llama_cpp.llama_model_has_encoder(self.model)
        self._row = llama_cpp.llama_get_embeddings_ith if embeddings else llama_cpp.llama_get_logits_ith
        self._n_row = llama_cpp.llama_model_n_embd(self.model) if embeddings else self.n_vocab

    @property
    def ops(self) -> list[str]:
        assert self._records, "open the context with records=True"
        return self._ops

    def _record(self, tensor: int, ask: bool, _: object) -> bool:
        if ask:
            self._ops.append(self._ggml.ggml_op_desc(tensor).decode())
        return False

    def decode(self, entries: Sequence[Entry]) -> npt.NDArray[np.float32]:
        """Logits of every token, float32 (n_tokens, n_vocab); or embeddings if they were requested."""
        batch = llama_cpp.llama_batch_init(len(entries), 0, 4)
        batch.n_tokens = len(entries)
        for i, (token, position, sequences) in enumerate(entries):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = len(sequences)
            for j, sequence in enumerate(sequences):
                batch.seq_id[i][j] = sequence
            batch.logits[i] = 1
        try:
            if self._translates:
                assert llama_cpp.llama_encode(self.address, batch) == 0
            assert llama_cpp.llama_decode(self.address, batch) == 0
        finally:
            llama_cpp.llama_batch_free(batch)
        rows = [self._row(self.address, i) for i in range(len(entries))]
        return np.stack([np.ctypeslib.as_array(row, shape=(self._n_row,)).copy() for row in rows])

    def feed(self, tokens: Sequence[int], start: int = 0, sequence: int = 0) -> npt.NDArray[np.float32]:
        """One batch of one sequence."""
        return self.decode([(token, start + i, [sequence]) for i, token in enumerate(tokens)])

    def forget(self) -> None:
        if self.memory:
            llama_cpp.llama_memory_clear(self.memory, True)

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        llama_cpp.llama_free(self.address)
        llama_cpp.llama_model_free(self.model)
