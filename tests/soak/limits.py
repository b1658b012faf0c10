"""How long clients continue: functions that say whether to begin another request."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable


def for_minutes(minutes: float) -> Callable[[], bool]:
    end = time.monotonic() + 60 * minutes
    return lambda: time.monotonic() < end


def for_requests(number: int) -> Callable[[], bool]:
    """This many requests, of all clients together."""
    begun = itertools.count()
    return lambda: next(begun) < number
