"""Which files run first: those with few, long tests, because the other process would have to wait for their end."""

from __future__ import annotations

import pytest

SLOW = (
    "test_upstream_server.py",
    "test_random_calls.py",
    "test_kernels.py",
    "test_architectures.py",
    "test_sweep_ray.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW))
