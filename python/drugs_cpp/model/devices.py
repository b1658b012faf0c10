"""Which devices a model uses beside the processor."""

from __future__ import annotations

import ctypes
import inspect
from collections.abc import Mapping
from typing import Any

import llama_cpp

NO_DEVICES = (ctypes.c_void_p * 1)()  # ends with NULL, and begins with it


def devices_for(arguments: Mapping[str, Any]) -> ctypes.Array[ctypes.c_void_p] | None:
    """Return llama.cpp's list of devices for arguments of ``llama_cpp.Llama``; None: all that there are.

    llama.cpp lets a graphics card multiply matrices of long prompts even if no layer is on it. A text would then depend
    on whether there is one, so a model with ``n_gpu_layers=0`` leaves cards alone, unless ``op_offload=True``.
    """
    default = inspect.signature(llama_cpp.Llama.__init__).parameters["n_gpu_layers"].default
    if arguments.get("n_gpu_layers", default) or arguments.get("op_offload"):
        return None
    return NO_DEVICES
