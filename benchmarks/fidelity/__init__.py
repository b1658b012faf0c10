"""Does the engine compute the noise that the design's mathematics describe? ``python -m benchmarks.fidelity``.

An independent model in PyTorch (float32) and the engine get the same doses, and the effects on the probabilities of the
next token are compared. So is what both compute inside when sober. ``make fidelity`` writes docs/fidelity.md.
"""

from __future__ import annotations
