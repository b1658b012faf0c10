"""Models that are loaded quietly in several threads."""

from __future__ import annotations

import contextlib
import threading

#: Reentrant, because a callback of a loading model may load another one.
_alone = threading.RLock()


def quiet_loading(verbose: bool) -> contextlib.AbstractContextManager[object]:
    """For ``with``, around loading: quiet models are loaded one after the other.

    With ``verbose=False``, llama-cpp-python points the process's stdout and stderr to nowhere while it loads, and then
    back to where they pointed. If two threads do so at once, one takes nowhere for where they pointed, and the process
    never prints again.
    """
    return contextlib.nullcontext() if verbose else _alone
