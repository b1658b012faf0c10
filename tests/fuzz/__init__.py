"""Fuzzers of all our code that reads input: ``make fuzz``. tests/test_fuzz.py replays what they have found."""

from __future__ import annotations
