"""Whether this processor has the instructions that the package's libraries were compiled to use."""

from __future__ import annotations

import ctypes
from pathlib import Path

_LIBRARY = "*drugs-processor.*"  # compiled for any processor, and depends on nothing
_SIZE = 1000  # bytes; what drugs-processor.h asks for


def check_processor(folder: Path) -> None:
    """Check before the libraries in ``folder`` are loaded: a missing instruction would end the process.

    Raises:
        ImportError: this processor lacks instructions; the message names them and says what to do.
    """
    found = next(folder.glob(_LIBRARY), None)
    if found is None:
        raise ImportError(f"{folder} is not complete: install drugs_cpp again with pip install on its source")
    message = ctypes.create_string_buffer(_SIZE)
    if ctypes.CDLL(str(found)).drugs_processor_refuses(message, ctypes.c_size_t(_SIZE)):
        raise ImportError(message.value.decode("ascii"))
