"""Fuzzers of everything of ours that reads input: ``make fuzz``. tests/test_fuzz.py replays what they have found."""

from __future__ import annotations
