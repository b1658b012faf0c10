"""What a vergence study says about two claims that the author of DRµGS made about his pictures.

"The model very quickly drowns that noise out with its own signal", about early layers; and "something special seems to
happen in the middle layers that causes relatively large spikes in output divergence" (EGjoni/DRUGS, README).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from drugs_cpp.study.grid import FIRST_ANGLE, NEAR, layers_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.study.vergence_result import Vergence


def claims(vergence: Vergence, angle: float = FIRST_ANGLE) -> Iterator[str]:
    """Yield lines of text with numbers for each site, or one that says why there are none."""
    grid = vergence.grid
    if NEAR not in grid.windows:
        yield "No numbers: they need each layer dosed with its neighbours, but only all layers up to each were dosed."
        return
    at = vergence.nearest_angle(angle)
    seeds = "1 seed" if len(grid.seeds) == 1 else f"{len(grid.seeds)} seeds"
    yield f"Each layer with its neighbours, angles up to {grid.angles[at]:.2f} rad, mean of {seeds}."
    yield "Means of the early / middle / late third of the layers."
    yield "Carried: cosine distance after the last layer over that where the dosed layers end; above 1, it grew."
    yield "KL: of the next token, nats, and the layer where it is largest."
    for site in grid.sites:
        carried, kl = thirds(carried_of(vergence, site, at)), kl_of(vergence, site, at)
        carried_text, kl_text = (
            " / ".join(f"{value:.{n}f}" for value in of) for of, n in ((carried, 2), (thirds(kl), 4))
        )
        yield f"  {site:<2}  carried {carried_text}   KL {kl_text}   largest at layer {int(np.nanargmax(kl))}"


def carried_of(vergence: Vergence, site: str, at: int) -> npt.NDArray[Any]:
    """Return, by dosed layer, the distance after the last layer over that where the dosed layers end; (n_layer,)."""
    n_layer = vergence.grid.n_layer
    cosine = np.nanmean(vergence.cosine[vergence.index(site, NEAR)][:, at], axis=1)  # (n_layer, n_layer + 1)
    ends = [layers_of(NEAR, layer, n_layer)[-1] + 1 for layer in range(n_layer)]
    return cosine[:, -1] / cosine[np.arange(n_layer), ends]  # type: ignore[no-any-return]


def kl_of(vergence: Vergence, site: str, at: int) -> npt.NDArray[Any]:
    """Return, by dosed layer, the mean KL of the next token in nats; (n_layer,)."""
    return np.nanmean(vergence.kl[vergence.index(site, NEAR)][:, at], axis=-1)  # type: ignore[no-any-return]


def thirds(values: npt.NDArray[Any]) -> list[float]:
    """Return the means of the first, second and last third."""
    return [float(np.nanmean(part)) for part in np.array_split(values, 3)]
