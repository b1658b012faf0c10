"""What dosing costs: ``python -m benchmarks speed | memory | instructions``. ``make bench`` runs all."""

from __future__ import annotations
