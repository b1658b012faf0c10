"""A vergence study as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp.extras import extra
from drugs_cpp.study.grid import Cell

if TYPE_CHECKING:
    from os import PathLike

    from drugs_cpp.study.vergence_result import Vergence


def write_table(vergence: Vergence, path: str | PathLike[str]) -> None:
    """Write a Parquet file, a row for each run that was computed; see :func:`drugs_cpp.study.save`."""
    arrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    shape = vergence.kl.shape
    there = np.flatnonzero(np.isfinite(vergence.kl))
    axes = (
        vergence.grid.sites,
        vergence.grid.windows,
        range(vergence.grid.n_layer),
        vergence.grid.angles,
        vergence.grid.seeds,
    )
    indices = np.unravel_index(there, shape)
    columns = {name: [axis[i] for i in index] for name, axis, index in zip(Cell._fields, axes, indices)}
    for name in ("kl", "top"):
        columns[name] = getattr(vergence, name).reshape(-1)[there].tolist()
    for name in ("cosine", "relative_l2", "probs"):
        values = getattr(vergence, name)
        columns[name] = list(values.reshape(-1, values.shape[-1])[there])
    parquet.write_table(arrow.table({"model": [vergence.model] * len(there), **columns}), str(path))
