"""How the programs read saved doses (tests/fuzz/reader.cpp)."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import drugs_cpp
from drugs_cpp.doses.sites import SITES


@dataclass(frozen=True)
class Read:
    """Doses as read by the programs.

    Attributes:
        values: what the programs would write for them.
        table: float32 (n_layer, len(SITES)), the largest angles.
    """

    values: dict[str, Any]
    table: npt.NDArray[np.float32]


def read_as_programs(text: bytes, n_layer: int) -> Read | None:
    """How the programs read a text; None: they refuse it, and say why."""
    table = np.full((n_layer, len(SITES)), np.nan, np.float32)
    answer: bytes = _library().drugs_fuzz_read(text, len(text), n_layer, table.ctypes.data_as(ctypes.c_void_p))
    if answer.startswith(b"+"):
        return Read(json.loads(answer[1:]), table)
    assert answer.startswith(b"-")
    assert len(answer) > 1
    return None


@functools.cache
def _library() -> ctypes.CDLL:
    assert drugs_cpp  # it has loaded llama.cpp's libraries, which this one shares
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    folder = Path(os.environ["DRUGS_FUZZ"])
    library = ctypes.CDLL(str(next(path for path in folder.glob("libfuzz-reader.*") if path.suffix in (suffix, ".so"))))
    library.drugs_fuzz_read.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32, ctypes.c_void_p]
    library.drugs_fuzz_read.restype = ctypes.c_char_p
    return library
