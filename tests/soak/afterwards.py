"""What must hold after all clients have gone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from support.program import Server

#: seconds for a server to notice that its clients have gone, and to shower its slots
PATIENCE = 120

TROUBLE = re.compile("error|assert|abort|terminate|exception|fail", re.IGNORECASE)

#: the server's log messages about questions that it refuses
REFUSALS = re.compile(r'got exception: \{"error":\{"code":400,|exceeds the available context size')


def busy_slots(slots: list[Any]) -> list[str]:
    """What is wrong with the slots of a server whose clients have gone, from the answer of /slots."""
    busy = [f"slot {slot['id']} is still busy" for slot in slots if slot["is_processing"]]
    dirty = [f"slot {slot['id']} has {n} dirty positions" for slot in slots if (n := slot["drugs"]["n_dirty"])]
    return busy + dirty


def rest(look: Callable[[], list[str]]) -> list[str]:
    """Wait until ``look()`` finds nothing wrong; return what it finds when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def at_rest(server: Server) -> list[str]:
    """What is wrong with a server whose clients have gone."""
    if not server.is_alive:
        return []  # the way it ends says more
    return rest(lambda: busy_slots(server.get("/slots").json))


def end(exit_status: int | None, log: str) -> list[str]:
    """What is wrong with the end of a server."""
    troubles = [line for line in log.splitlines() if TROUBLE.search(line) and not REFUSALS.search(line)]
    return [
        *([f"the server ended with status {exit_status}"] if exit_status else []),
        *[f"in the server's log: {line[:300]}" for line in troubles[:10]],
    ]
