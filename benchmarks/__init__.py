"""What dosing costs compared with upstream: ``make bench``, ``make bench-memory``, ``python -m benchmarks --help``."""

from __future__ import annotations
