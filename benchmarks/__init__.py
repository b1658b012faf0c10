"""What dosing costs, beside upstream: ``make bench`` and ``make bench-memory``, or ``python -m benchmarks --help``."""

from __future__ import annotations
