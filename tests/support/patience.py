"""How long tests wait for something that must happen."""

from __future__ import annotations

import time
from collections.abc import Callable

#: seconds: a machine ten times slower than a slow one needs less, and only a test that fails waits this long
PATIENCE = 600


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition()`` is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {PATIENCE} seconds"
        time.sleep(0.005)
