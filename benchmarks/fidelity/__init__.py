"""Does the engine compute the noise that the design's mathematics describe? ``python -m benchmarks.fidelity``.

An independent model in PyTorch, float32, and the engine are dosed alike, and what happens to the probabilities of the
next token is compared. So is what both compute inside, sober. ``make fidelity`` writes docs/fidelity.md.
"""

from __future__ import annotations
