"""Whether a thread is reading what a model is about to free."""

from __future__ import annotations

import threading

from drugs_cpp.engine.closed import refuse_closed
from drugs_cpp.errors import BusyError


class InUse:
    """For ``with``, around a call that any number of threads may make at once, alongside any other call except close().

    Raises:
        StateError: the model was closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for a moment only
        self._n_users = 0
        self._has_ended = False

    def __enter__(self) -> None:
        with self._lock:
            if self._has_ended:
                refuse_closed()
            self._n_users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_users -= 1

    def end(self) -> None:
        """Let no thread in any more.

        Raises:
            BusyError: a thread is inside. Nothing was changed.
        """
        with self._lock:
            if self._n_users > 0:
                raise BusyError("another thread is reading this model's vocabulary: wait for it, then close the model")
            self._has_ended = True
