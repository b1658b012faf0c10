"""One thread at a time: two of them would write into one cache."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from drugs_cpp.errors import BusyError

F = TypeVar("F", bound=Callable[..., Any])


class Exclusive:
    """For ``with``: the thread that is inside may enter again, any other is refused at once and does not wait.

    Raises:
        BusyError: another thread is inside.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise BusyError("another thread is using this model: wait for it, or make a Llama for each thread")

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def exclusive(method: F) -> F:
    """Decorate a method that uses the model: no other thread may, and a shower in the background ends first."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._exclusive:
            self._end_background_shower()
            return method(self, *args, **kwargs)

    return cast("F", call)
