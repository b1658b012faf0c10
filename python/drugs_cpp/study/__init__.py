"""What one learns from many runs: vergence, and the store that keeps results."""

from __future__ import annotations

from drugs_cpp.study.save import save
from drugs_cpp.study.store import Store
from drugs_cpp.study.vergence_result import Vergence
from drugs_cpp.study.vergence_run import stored_vergence, vergence

__all__ = ["Store", "Vergence", "save", "stored_vergence", "vergence"]
