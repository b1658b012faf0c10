"""What is left of a model that was closed."""

from __future__ import annotations

from typing import NoReturn

from drugs_cpp.errors import StateError


def refuse_closed() -> NoReturn:
    """Say that a model was closed.

    Raises:
        StateError: always.
    """
    raise StateError("the model was closed: make a new Llama")


class Closed:
    """Stands where a closed model's handles were: whoever uses one gets a StateError instead of freed memory."""

    def __getattr__(self, name: str) -> NoReturn:
        refuse_closed()
