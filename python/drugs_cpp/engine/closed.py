"""What is left of a model that was closed."""

from __future__ import annotations

from typing import NoReturn

from drugs_cpp.errors import StateError


def refuse_closed() -> NoReturn:
    """Report that a model was closed.

    Raises:
        StateError: always.
    """
    raise StateError("the model was closed: make a new Llama")


class Closed:
    """Takes the place of a closed model's handles, so that using one raises a StateError instead of crashing."""

    def __getattr__(self, name: str) -> NoReturn:
        refuse_closed()
