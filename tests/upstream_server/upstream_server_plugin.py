"""In the place of upstream's conftest.py, which downloads models: leaves out what needs them, and stops the servers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LEFT_OUT = Path(__file__).parent / "left_out.txt"


def left_out() -> tuple[str, ...]:
    """Beginnings of the names of tests."""
    lines = LEFT_OUT.read_text(encoding="utf-8").splitlines()
    return tuple(line.rpartition("  ")[0] for line in lines if line and not line.startswith("#"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = left_out()
    unwanted = [item for item in items if item.nodeid.startswith(names)]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]


@pytest.fixture(autouse=True)
def _stop_servers() -> Iterator[None]:
    yield
    servers: Any = set(importlib.import_module("utils").server_instances)  # upstream's, on the path when its tests run
    for server in servers:
        server.stop()
