"""A divergence as a notebook shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drugs_cpp.charts import layers_and_tokens
from drugs_cpp.markup import Html, counted, heading, page

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

_APART = "angle in radians between the two"


def divergence_html(angle: F64, relative_l2: F64, kl: F64 | None) -> Html:
    """Show how far apart two runs are, by layer and position, and at the output.

    Args:
        angle: radians, float64 (n_positions, n_layers).
        relative_l2: relative length of the difference, float64 (n_positions, n_layers).
        kl: nats, float64 (n_positions,), or None.
    """
    n_positions, n_layers = angle.shape
    said = [f"{counted(n_positions, 'position')}, {counted(n_layers, 'layer')}"]
    if kl is not None and kl.size:
        mean = f", {kl.mean():.3g} on average" if len(kl) > 1 else ""
        said.append(f"KL at the last position {kl[-1]:.3g} nats{mean}")
    if angle.size:
        there = f"{angle[-1, -1]:.3g} radians and {relative_l2[-1, -1]:.3g} of the length"
        said.append(f"at the last layer and position {there}")
    numbers = list(map(str, range(n_positions)))
    picture = [layers_and_tokens(angle, list(range(n_layers)), numbers, _APART)] if angle.size else []
    return page(heading("Divergence", *said), *picture)
