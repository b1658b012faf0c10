"""The targets: what reads input, and a function or a program that looks at what it does with any bytes at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

#: of C++, in NAME.cpp: shapes, saved doses as the programs read them, the field "drugs" of a request
IN_CPP = ("profile", "doses", "request")

#: of Python, in NAME.py: saved doses, a model file's header, saved states
IN_PYTHON = ("saved_doses", "model_header", "saved_state")

TARGETS = (*IN_CPP, *IN_PYTHON)

#: what an input is given to; it raises what is not expected
Check = Callable[[bytes], None]


def kept(target: str) -> list[Path]:
    """The corpus of a target."""
    return sorted((CORPUS / target).iterdir())


def dictionary(target: str) -> Path:
    """Words that inputs of a target are made of, as libFuzzer reads them; not every target has them."""
    return HERE / f"{target}.dict"
