"""Keeps showers of all slots apart from the texts that they would change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Any number of texts at a time, or any number of showers. While a shower waits, no further text may begin."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.n_texts = 0
        self.n_showers = 0  # including waiting ones

    @contextmanager
    def text(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self.n_showers == 0)
            self.n_texts += 1
        try:
            yield
        finally:
            with self._changed:
                self.n_texts -= 1
                self._changed.notify_all()

    @contextmanager
    def shower(self) -> Iterator[None]:
        with self._changed:
            self.n_showers += 1
            self._changed.wait_for(lambda: self.n_texts == 0)
        try:
            yield
        finally:
            with self._changed:
                self.n_showers -= 1
                self._changed.notify_all()
