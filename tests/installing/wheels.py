"""The wheels in dist/, and what is done with each that was installed."""

from __future__ import annotations

import sys
from pathlib import Path

DIST = Path(__file__).resolve().parents[2] / "dist"
FIRST_STEPS = Path(__file__).with_name("first_steps.py")


def newest(windows: bool) -> Path:
    """Return the newest wheel, for Windows or not. This process ends if there is none."""
    found = [wheel for wheel in DIST.glob("*.whl") if wheel.name.endswith("-win_amd64.whl") == windows]
    if not found:
        sys.exit(f"drugs_cpp: error: dist has no wheel: {'make wheel-windows' if windows else 'make wheel'}")
    return max(found, key=lambda path: path.stat().st_mtime)
