"""The inputs and outputs of the rotations in a graph."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]


class Tensor(ctypes.Structure):
    """struct ggml_tensor"""

    _fields_ = [
        ("type", ctypes.c_int32),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int32),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
    ]


class Turned(NamedTuple):
    """One rotation: rows before and after it, (n_tokens, n_head, d), at a layer and a column of the dose table."""

    layer: int
    site: int
    before: F32
    after: F32


def turned_rows(ggml: ctypes.CDLL, tensor: int) -> Turned:
    """Return a rotation, given its address; ``ggml`` is libggml-base."""
    node = Tensor.from_address(tensor)
    layer, site = node.op_params[:2]
    return Turned(layer, site, _rows(ggml, node.src[0]), _rows(ggml, tensor))


def _rows(ggml: ctypes.CDLL, address: int) -> F32:
    tensor = Tensor.from_address(address)
    d, n_head, n_tokens = tensor.ne[:3]
    strides = [tensor.nb[2], tensor.nb[1], tensor.nb[0]]
    n_bytes = sum(stride * (n - 1) for stride, n in zip(strides, (n_tokens, n_head, d))) + 4
    memory = np.empty(n_bytes, np.uint8)  # the tensor may be on a card
    ggml.ggml_backend_tensor_get(
        *map(ctypes.c_void_p, (address, memory.ctypes.data)), *map(ctypes.c_size_t, (0, n_bytes))
    )
    return np.ndarray((n_tokens, n_head, d), np.float32, memory, strides=strides).copy()
