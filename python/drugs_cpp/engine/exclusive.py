"""One thread at a time: two of them would write into one cache."""

from __future__ import annotations

import threading

from drugs_cpp.errors import BusyError


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
