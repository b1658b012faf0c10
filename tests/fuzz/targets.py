"""The targets: code that reads input, each with a function or program that checks what it does with arbitrary bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

#: in C++, in NAME.cpp: shapes, saved doses as read by the programs, the field "drugs" of a request
IN_CPP = ("profile", "doses", "request")

#: in Python, in NAME.py: saved doses, a model file's header, saved states
IN_PYTHON = ("saved_doses", "model_header", "saved_state")

TARGETS = (*IN_CPP, *IN_PYTHON)

#: gets an input; raises anything unexpected
Check = Callable[[bytes], None]


def kept(target: str) -> list[Path]:
    """The corpus of a target."""
    return sorted((CORPUS / target).iterdir())


def dictionary(target: str) -> Path:
    """Words that inputs of a target consist of, in libFuzzer's format; not every target has them."""
    return HERE / f"{target}.dict"
