"""Which numbers are valid seeds, and where fresh ones come from."""

from __future__ import annotations

import random
import secrets

import numpy as np

from drugs_cpp.errors import SeedError

#: llama.cpp's LLAMA_DEFAULT_SEED: it stands for "draw one", so it is not a seed itself
FRESH = 0xFFFFFFFF

_MAX_SEED = FRESH - 1


def check_seed(seed: object) -> int | None:
    """Return ``seed`` as an int, or None if a fresh one is to be drawn.

    Args:
        seed: a whole number from 0 to 2**32 - 2. None, -1 and 0xFFFFFFFF stand for a fresh seed.

    Raises:
        SeedError: anything else.
    """
    if seed is None:
        return None
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not -1 <= seed <= FRESH:
        raise SeedError(f"seed {seed!r}: a seed is a whole number from 0 to {_MAX_SEED}, or None or -1 for a fresh one")
    return None if seed in (-1, FRESH) else int(seed)


def seed_of_call(seed: object) -> int | None:
    """Return the seed of a call: None if none was given, and a fresh one if -1 was given.

    Raises:
        SeedError: as :func:`check_seed`.
    """
    checked = check_seed(seed)
    return fresh_seed() if checked is None and seed is not None else checked


def fresh_seed() -> int:
    """Return an unpredictable seed, 0 to 2**32 - 2."""
    return secrets.randbelow(_MAX_SEED + 1)


def derived_seed(seed: int) -> int:
    """Return the seed that llama-cpp-python uses after this one, 0 to 2**32 - 2. Equal seeds have equal successors."""
    # upstream's numbers go up to 2**32; the two largest are not valid seeds and wrap around to 0 and 1
    return random.Random(seed).randint(0, 2**32) % (_MAX_SEED + 1)


def consecutive_seeds(first: int, n: int) -> list[int]:
    """Return ``n`` consecutive seeds, beginning with ``first``. After the largest one comes 0."""
    return [(first + i) % (_MAX_SEED + 1) for i in range(n)]
