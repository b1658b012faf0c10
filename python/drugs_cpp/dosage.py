"""What a dose is made of, as one value that never changes, and the table that the model gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from drugs_cpp.checks import check_not_negative
from drugs_cpp.errors import DoseError
from drugs_cpp.profile import DoseProfile, as_profile
from drugs_cpp.seed import check_seed
from drugs_cpp.sites import SITES, check_site

ISOTROPIC, REFERENCE = "isotropic", "reference"

#: kinds of noise: a direction that is uniform, and one drawn from numbers that are not centred, as the reference does
NOISES = (ISOTROPIC, REFERENCE)

_MAX_ANGLE = float(np.finfo(np.float32).max)  # a table holds float32


@dataclass(frozen=True)
class Dosage:
    """Doses, profiles, multiplier and seed. Everything in it is valid.

    Attributes:
        thetas: site -> largest angle in radians, at profile ratio 1 and multiplier 1.
        profiles: site -> profile; a site that is missing gets its full dose in every layer.
        multiplier: factor on all doses.
        noise: how directions are drawn, one of ``NOISES``.
        seed: of the noise and the sampler; None for a fresh one in every run.
    """

    thetas: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 0.0))
    profiles: dict[str, DoseProfile] = field(default_factory=dict)
    multiplier: float = 1.0
    noise: str = ISOTROPIC
    seed: int | None = None
    _tables: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for site in SITES:
            angle = self.largest_angle(site)
            if not angle <= _MAX_ANGLE:
                raise DoseError(f"the dose at {site} reaches {angle:g} radians: lower its angle, profile or multiplier")

    def with_theta(self, radians: object, site: object) -> Dosage:
        site = check_site(site)
        theta = check_not_negative(f"the dose at {site} (radians)", radians)
        return replace(self, thetas={**self.thetas, site: theta})

    def with_shape(self, shape: object, mode: str | None, site: object) -> Dosage:
        site = check_site(site)
        profile = as_profile(shape, mode)
        others = {name: kept for name, kept in self.profiles.items() if name != site}
        return replace(self, profiles=others if profile is None else {**others, site: profile})

    def with_multiplier(self, multiplier: object) -> Dosage:
        return replace(self, multiplier=check_not_negative("the dose multiplier", multiplier))

    def with_noise(self, noise: object) -> Dosage:
        if noise not in NOISES:
            raise DoseError(f"unknown noise {noise!r}: the kinds are {', '.join(NOISES)}")
        return replace(self, noise=str(noise))

    def with_seed(self, seed: object) -> Dosage:
        return replace(self, seed=check_seed(seed))

    def largest_angle(self, site: str) -> float:
        """The largest angle that any layer can get at a site, in radians."""
        ratio = self.profiles[site].peak if site in self.profiles else 1.0
        return self.multiplier * self.thetas[site] * ratio

    @property
    def is_sober(self) -> bool:
        """Whether no layer of any model can get an angle above 0."""
        return not any(self.largest_angle(site) for site in SITES)

    def table(self, n_layer: int) -> npt.NDArray[np.float32]:
        """Largest angle of each layer and site: float32 (n_layer, len(SITES)), in radians, read-only."""
        if isinstance(n_layer, bool) or not isinstance(n_layer, (int, np.integer)) or n_layer < 1:
            raise DoseError(f"n_layer is {n_layer!r}: a model has a whole number of layers, 1 or more")
        if n_layer not in self._tables:
            self._tables[int(n_layer)] = self._make_table(int(n_layer))
        return self._tables[int(n_layer)]

    def _make_table(self, n_layer: int) -> npt.NDArray[np.float32]:
        table = np.empty((n_layer, len(SITES)), dtype=np.float32)
        for column, site in enumerate(SITES):
            profile = self.profiles.get(site)
            ratios = [1.0 if profile is None else profile.ratio(layer / n_layer) for layer in range(n_layer)]
            table[:, column] = [self.multiplier * self.thetas[site] * ratio for ratio in ratios]
        table.setflags(write=False)  # every caller gets the same array
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {
            "dose_theta": dict(self.thetas),
            "dose_shape": {site: profile.to_dict() for site, profile in self.profiles.items()},
            "dose_multiplier": self.multiplier,
            "noise": self.noise,
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, values: object) -> Dosage:
        """The inverse of :meth:`to_dict`; whatever is left out is as in a new object.

        Raises:
            DoseError: unknown names, or values that cannot be used.
            SeedError: a seed out of range.
        """
        values = _check_mapping("doses", values, ("dose_theta", "dose_shape", "dose_multiplier", "noise", "seed"))
        dosage = cls().with_multiplier(values.get("dose_multiplier", 1.0)).with_seed(values.get("seed"))
        dosage = dosage.with_noise(values.get("noise", ISOTROPIC))
        for site, theta in _check_mapping("dose_theta", values.get("dose_theta", {}), SITES).items():
            dosage = dosage.with_theta(theta, site)
        for site, shape in _check_mapping("dose_shape", values.get("dose_shape", {}), SITES).items():
            shape = _check_mapping(f"dose_shape of {site}", shape, ("points", "mode"))
            dosage = dosage.with_shape(shape.get("points", ()), shape.get("mode"), site)
        return dosage


def _check_mapping(what: str, values: object, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise DoseError(f"{what}: {values!r} is no mapping with {', '.join(names)}")
    for name in values:
        if name not in names:
            raise DoseError(f"{what}: unknown name {name!r}; the names are {', '.join(names)}")
    return values
