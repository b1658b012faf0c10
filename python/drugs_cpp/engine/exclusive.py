"""One thread at a time: two of them would write into one cache."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from drugs_cpp.errors import BusyError


class Exclusive:
    """For ``with``: the thread that is inside may enter again; any other thread is refused at once, without waiting.

    Raises:
        BusyError: another thread is inside.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0  # how often the thread that is inside has entered; no other thread changes it

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise BusyError("another thread is using this model: wait for it, or make a Llama for each thread")
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        self._lock.release()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """For ``with``, if nothing else may be running in this thread either: callbacks run inside another call.

        Raises:
            BusyError: another thread is inside, or this one already is.
        """
        with self:
            if self._depth > 1:
                raise BusyError("a callback cannot end the call that runs it: let it return or raise first")
            yield
