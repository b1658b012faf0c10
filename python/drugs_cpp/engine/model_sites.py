"""Which sites a loaded model has, and its dose tables."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from drugs_cpp import _core
from drugs_cpp.doses.sites import SITES
from drugs_cpp.errors import DoseError

if TYPE_CHECKING:
    import numpy.typing as npt

    from drugs_cpp.doses.dosage import Dosage
    from drugs_cpp.engine.effects import Effects

#: how many tables are kept; in a batch of variations, each may have its own dosage
_MOST_TABLES = 256


def sites_in(has: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the names of the sites that at least one layer has; ``has``: bool (n_layer, n_sites)."""
    return tuple(site for column, site in enumerate(SITES) if has[:, column].any())


def fit_to_model(table: npt.NDArray[np.float32], has: npt.NDArray[np.bool_], strict: bool) -> npt.NDArray[np.float32]:
    """Check that a dose table doses only sites that the model has.

    It is enough if one of the layers in which a site is dosed has it: hybrid models have layers without attention.

    Args:
        table: float32 (n_layer, n_sites), largest angles.
        has: bool (n_layer, n_sites), which layers of the model have which sites.
        strict: raise if a site is missing. False: warn, and leave it sober.

    Returns:
        The table, without the doses at missing sites.

    Raises:
        DoseError: a site is missing; the message names the missing sites and those that the model has.
    """
    dosed = table > 0
    missing = set(sites_in(dosed)) - set(sites_in(dosed & has))
    if not missing:
        return table
    names = ", ".join(site for site in SITES if site in missing)
    message = f"this model has no site {names} where it is dosed: it has {', '.join(sites_in(has)) or 'none'}"
    if strict:
        raise DoseError(f"{message} (Llama(..., strict=False) leaves such sites sober)")
    warnings.warn(f"{message}; {names} stays sober", stacklevel=2)
    return np.where([site in missing for site in SITES], np.float32(0), table)


class ModelSites:
    """The sites of a model.

    Args:
        address: of a llama_context on the model.
        effects: what is known about the effect of doses on it.
    """

    def __init__(self, address: int, effects: Effects) -> None:
        self._address = address
        self._effects = effects
        # by identity, strictness and version of the effects; a dosage is kept, so that no other object gets its id
        self._fitted: dict[tuple[int, bool, int], tuple[Dosage, npt.NDArray[np.float32] | None]] = {}

    def names(self, noise: str) -> tuple[str, ...]:
        """Return the names of the sites that at least one layer has under this kind of noise.

        Raises:
            DoseError: the model is split between devices in a way that makes doses impossible.
        """
        return sites_in(_core.has_sites(self._address, noise))

    def table(self, dosage: Dosage, strict: bool) -> npt.NDArray[np.float32] | None:
        """Return the dose table of the model: float32 (n_layer, n_sites), in radians; None if no layer gets an angle.

        Raises:
            DoseError: a dose at a site that the model lacks, if ``strict``; an effect whose angles would exceed pi.
        """
        if dosage.is_sober:
            return None
        key = (id(dosage), strict, self._effects.version)
        fitted = self._fitted.get(key)  # another thread may be here as well
        if fitted is None:
            has = _core.has_sites(self._address, dosage.kinds.noise)
            table = fit_to_model(self._effects.resolve(dosage).table(len(has)), has, strict)
            if len(self._fitted) >= _MOST_TABLES:
                self._fitted.clear()
            fitted = self._fitted[key] = (dosage, table if table.any() else None)
        return fitted[1]
