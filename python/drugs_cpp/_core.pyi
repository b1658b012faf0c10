"""The compiled half of drugs_cpp."""

from typing import TypedDict

import numpy as np
import numpy.typing as npt

class Dose(TypedDict):
    table: npt.NDArray[np.float32]
    seed: int
    sink: int
    noise: str

def set_dose(
    ctx: int, seq_id: int, table: npt.ArrayLike, seed: int, sink: int, noise: str = "isotropic"
) -> None:
    """Dose a sequence from its next token on.

    Args:
        ctx: address of a llama_context.
        seq_id: 0 to n_seq_max - 1.
        table: float32 (n_layer, n_sites), largest angles in radians; the columns are those of site_names().
        seed: 0 to 2**32 - 1.
        sink: number of first positions that are never dosed.
        noise: "isotropic" or "reference".

    Raises:
        ValueError: a table of another shape, an angle that is negative, infinite or not a number, a sequence that the
            context does not have, a site that no dosed layer has, a device that cannot turn vectors.
    """

def get_dose(ctx: int, seq_id: int) -> Dose | None:
    """The dose of a sequence, or None if it is sober."""

def clear_dose(ctx: int, seq_id: int) -> None:
    """Make a sequence sober, or all of them with seq_id = -1."""

def has_sites(ctx: int, noise: str = "isotropic") -> npt.NDArray[np.bool_]:
    """Which layers of the context's model have which sites: bool (n_layer, n_sites)."""

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
    noise: str = "isotropic",
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
        noise: "isotropic" or "reference".

    Returns:
        float32 (n_tokens, n_head, d). y = cos(a) x + sin(a) |x| u/|u| with a ~ Uniform(0, theta) and u what is
        orthogonal to x of d standard normals, or for reference noise of d numbers from Uniform(0, 1).

    Raises:
        ValueError: a shape, angle, layer, site or number of threads out of range.
    """

def attend_scores(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    cells: npt.ArrayLike,
    layer: int = 0,
    sink: int = 0,
    n_threads: int = 1,
    noise: str = "isotropic",
    cache_type: str = "f32",
) -> npt.NDArray[np.float32]:
    """Scores of queries with keys that are turned for each of them, as the model computes them at site K.

    Args:
        q: float32 (n_tokens, n_head, d).
        k: float32 (n_kv, n_head_kv, d).
        theta: largest angle in radians.
        seed: 0 to 2**32 - 1.
        positions: int32 (n_tokens,), of those who ask.
        cells: int32 (n_kv,), positions of the keys; -1 for an empty cell.
        layer: 0 to 1023.
        sink: keys of positions below it are not turned.
        n_threads: 1 to 512.
        noise: "isotropic" or "reference".
        cache_type: ggml's name of the type that the keys are kept in.

    Returns:
        float32 (n_head, n_tokens, n_kv).

    Raises:
        ValueError: shapes that do not fit, or an argument out of range.
    """

def attend_values(
    p: npt.ArrayLike,
    v: npt.ArrayLike,
    transposed: bool,
    theta: float,
    seed: int,
    positions: npt.ArrayLike,
    cells: npt.ArrayLike,
    layer: int = 0,
    sink: int = 0,
    n_threads: int = 1,
    noise: str = "isotropic",
    cache_type: str = "f32",
) -> npt.NDArray[np.float32]:
    """Sums of values that are turned for each query head and token, as the model computes them at site V.

    Args:
        p: float32 (n_head, n_tokens, n_kv), weights, not negative.
        v: float32 (n_kv, n_head_kv, d), or (n_head_kv, d, n_kv) if ``transposed``, which must not change the result.
        theta, seed, positions, cells, layer, sink, n_threads, noise, cache_type: as for :func:`attend_scores`.

    Returns:
        float32 (n_head, n_tokens, d).

    Raises:
        ValueError: shapes that do not fit, or an argument out of range.
    """
