"""The runs of a vergence study: sites, windows of layers, angles, seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from drugs_cpp.doses.checks import check_count, check_finite
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.profile import DoseProfile
from drugs_cpp.doses.seed import check_seed
from drugs_cpp.doses.sites import check_site
from drugs_cpp.errors import CountError, DoseError, OptionError

#: most sites, angles or seeds of a grid
MOST_VALUES = 10_000

#: each layer with its two neighbours, and everything up to a layer
NEAR, UP_TO = "near", "up-to"

WINDOWS = (NEAR, UP_TO)

#: 22 angles up to about a half turn, in radians
DEFAULT_ANGLES = tuple(round(0.14 * step, 2) for step in range(1, 23))

#: the angle that is shown first, in radians: the reference's pictures show tokens at this one
FIRST_ANGLE = 0.7

DEFAULT_SITES = ("H", "Q", "K", "V", "A")

DEFAULT_SEEDS = (1, 2, 3, 4)


class Cell(NamedTuple):
    """One run: a site of the layers around or up to ``layer`` is dosed with at most ``angle`` radians."""

    site: str
    window: str
    layer: int
    angle: float
    seed: int


@dataclass(frozen=True)
class Grid:
    """All runs of a study of one text.

    Attributes:
        sites: names, as in ``SITES``.
        windows: "near": a layer and its neighbours; "up-to": all layers up to it.
        angles: largest angles in radians, ascending.
        seeds: of the noise.
        dosed: "last": only the last position of the text; "all": all positions past the sink.
        n_layer: of the model.
    """

    sites: tuple[str, ...]
    windows: tuple[str, ...]
    angles: tuple[float, ...]
    seeds: tuple[int, ...]
    dosed: str
    n_layer: int

    @property
    def n_cells(self) -> int:
        """Number of runs."""
        return len(self.sites) * len(self.windows) * self.n_layer * len(self.angles) * len(self.seeds)

    def cells(self) -> Iterator[Cell]:
        """Yield all runs; those that dose the same layers are next to each other, so that they share a graph."""
        for window in self.windows:
            for site in self.sites:
                for layer in range(self.n_layer):
                    for angle in self.angles:
                        for seed in self.seeds:
                            yield Cell(site, window, layer, angle, seed)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def make_grid(
    n_layer: int,
    sites: Iterable[str] = DEFAULT_SITES,
    windows: Iterable[str] = WINDOWS,
    angles: Iterable[float] = DEFAULT_ANGLES,
    seeds: int | Iterable[int] = DEFAULT_SEEDS,
    dosed: str = "last",
) -> Grid:
    """Make a grid from what users give; ``seeds`` may be the number of seeds.

    Raises:
        DoseError, SeedError, OptionError, CountError: values that cannot be used, or none at all.
    """
    chosen_windows = _unique("windows", windows)
    unknown = [window for window in chosen_windows if window not in WINDOWS]
    if unknown:
        raise OptionError(f"windows: {unknown[0]!r} is unknown: give {' or '.join(WINDOWS)}")
    if dosed not in ("all", "last"):
        raise OptionError(f'dosed is {dosed!r}: give "all" or "last"')
    numbers = range(1, check_count("seeds", seeds, 1, "seeds") + 1) if isinstance(seeds, (int, np.integer)) else seeds
    return Grid(
        sites=tuple(check_site(site) for site in _unique("sites", sites)),
        windows=chosen_windows,
        angles=tuple(sorted(_angle(angle) for angle in _unique("angles", angles))),
        seeds=tuple(_seed(seed) for seed in _unique("seeds", numbers)),
        dosed=dosed,
        n_layer=n_layer,
    )


def layers_of(window: str, layer: int, n_layer: int) -> range:
    """Return the layers that a window doses."""
    first = 0 if window == UP_TO else max(0, layer - 1)
    last = layer if window == UP_TO else min(n_layer - 1, layer + 1)
    return range(first, last + 1)


def doses_of(cell: Cell, n_layer: int) -> DRUGS:
    """Return the doses of a run."""
    drugs = DRUGS(seed=cell.seed)
    drugs.set_drug_profile(
        window_profile(layers_of(cell.window, cell.layer, n_layer), n_layer), None, cell.site, cell.angle
    )
    return drugs


def window_profile(layers: Sequence[int], n_layer: int) -> DoseProfile:
    """Return a profile that gives some adjacent layers the full dose, and the others none."""
    first, last = layers[0], layers[-1]
    points = [(first - 1, 0.0), (first, 1.0), (last, 1.0), (last + 1, 0.0)]
    return DoseProfile([{"depth": layer / n_layer, "peakratio": ratio} for layer, ratio in points])


def _unique(what: str, given: Any) -> tuple[Any, ...]:
    one = isinstance(given, (str, int, float)) or not isinstance(given, Iterable)
    found = tuple(dict.fromkeys([given] if one else islice(given, MOST_VALUES + 1)))
    if not found:
        raise CountError(f"{what} is empty: give at least one")
    if len(found) > MOST_VALUES:
        raise CountError(f"{what} has more than {MOST_VALUES} values: give fewer")
    return found


def _angle(angle: object) -> float:
    radians = check_finite("an angle", angle)
    if not 0 < radians <= 3.14159274:
        raise DoseError(f"an angle is {radians}: give more than 0 radians, and at most pi, a half turn")
    return radians


def _seed(seed: object) -> int:
    checked = check_seed(seed)
    if checked is None:
        raise CountError("a seed is -1: give fixed seeds, so that an interrupted study can be continued")
    return checked
