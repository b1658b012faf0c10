"""Replaces upstream's conftest.py, which downloads models: leaves out tests that need them, and stops the servers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.patience import PATIENCE

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
    utils: Any = importlib.import_module("utils")  # upstream's, on the path when its tests run
    utils.ServerProcess.start.__defaults__ = (PATIENCE,)  # seconds to start
    yield
    for server in set(utils.server_instances):
        server.stop()
