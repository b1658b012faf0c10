"""Mutations from a fixed seed: like a fuzzer, but without looking at coverage."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 1 << 15


def words_of(dictionary: Path) -> list[bytes]:
    """The words of a libFuzzer dictionary."""
    if not dictionary.is_file():
        return [b"\x00", b"\xff", b"\x80"]
    words = re.findall(r'^[^#"]*"(.*)"$', dictionary.read_text("utf-8"), re.M)
    return [word.encode().decode("unicode_escape").encode("latin-1") for word in words]


def mutations(corpus: list[bytes], words: list[bytes], n: int, seed: int) -> Iterator[bytes]:
    """``n`` inputs, each made from one or two of a corpus by one to four changes."""
    rng = random.Random(seed)
    for _ in range(n):
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.randint(1, 4)):
            _change(data, corpus, words, rng)
        yield bytes(data[:_LONGEST])


def _change(data: bytearray, corpus: list[bytes], words: list[bytes], rng: random.Random) -> None:
    at = rng.randint(0, len(data))
    end = min(len(data), at + rng.choice((1, 1, 2, 8, 64)))
    how = rng.randrange(6)
    if how == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        data[at:at] = rng.choice(words)
    elif how == 2:
        data[at:end] = rng.choice(words)
    elif how == 3:
        del data[at:end]
    elif how == 4:
        data[at:at] = data[at:end] * rng.choice((1, 2, 100))
    else:
        other = rng.choice(corpus)
        start = rng.randint(0, len(other))
        data[at:end] = other[start : start + rng.choice((1, 8, 64, 512))]
