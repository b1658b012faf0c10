"""The compiled half of drugs_cpp."""

from typing import TypedDict

import numpy as np
import numpy.typing as npt

class Dose(TypedDict):
    table: npt.NDArray[np.float32]
    seed: int
    sink: int

def set_dose(ctx: int, seq_id: int, table: npt.ArrayLike, seed: int, sink: int) -> None:
    """Dose a sequence from its next token on.

    Args:
        ctx: address of a llama_context.
        seq_id: 0 to n_seq_max - 1.
        table: float32 (n_layer, n_sites), largest angles in radians; the columns are those of site_names().
        seed: 0 to 2**32 - 1.
        sink: number of first positions that are never dosed.

    Raises:
        ValueError: a table of another shape, an angle that is negative, infinite or not a number, a sequence that the
            context does not have, a device that cannot turn vectors.
    """

def get_dose(ctx: int, seq_id: int) -> Dose | None:
    """The dose of a sequence, or None if it is sober."""

def clear_dose(ctx: int, seq_id: int) -> None:
    """Make a sequence sober, or all of them with seq_id = -1."""

def n_layer(ctx: int) -> int:
    """Rows of a dose table for this context."""

def site_names() -> list[str]:
    """Names of the columns of a dose table."""

def rotate(
    x: npt.ArrayLike,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    layer: int,
    site: str,
    n_threads: int = 1,
) -> npt.NDArray[np.float32]:
    """Turn each row of x by a random angle below theta, as the model does at a site.

    Args:
        x: float32 (n_tokens, n_head, d), any strides.
        theta: largest angle in radians.
        seed: 0 to 2**32 - 1.
        positions: int32 (n_tokens,).
        layer: 0 to 1023.
        site: one of site_names().
        n_threads: 1 to 512.

    Returns:
        float32 (n_tokens, n_head, d). y = cos(a) x + sin(a) |x| u/|u| with a ~ Uniform(0, theta) and u uniform on the
        sphere orthogonal to x.

    Raises:
        ValueError: a shape, angle, layer, site or number of threads out of range.
    """
