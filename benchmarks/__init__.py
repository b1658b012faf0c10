"""What dosing costs: ``python -m benchmarks speed | cached | memory | instructions``. ``make bench`` runs all."""

from __future__ import annotations
