"""The places in an attention layer where vectors are turned."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from drugs_cpp.errors import DoseError

#: name of each site -> the vector that is turned there, and its length
SITE_MEANING = {
    "H": "the input of the query, key and value projections, one vector of n_embd numbers per token",
    "Q": "the query heads, one vector of a head's length per head and token",
    "K": "every cached key past the sink, for each query head and token that asks anew; the cache stays as it was",
    "V": "every cached value past the sink, likewise",
    "A": "each head's attention output, before the output projection",
    "pK": "the token's own key heads, once, on the way into the cache",
    "pV": "the token's own value heads, once, on the way into the cache",
}

#: names of the sites, in the order of a dose table's columns
SITES = tuple(SITE_MEANING)


def check_site(site: object) -> str:
    """Return ``site`` if there is such a site.

    Raises:
        DoseError: no such site; the message lists those there are.
    """
    if isinstance(site, str) and site in SITE_MEANING:
        return site
    by_lower_case = {name.lower(): name for name in SITES}
    near = by_lower_case.get(site.strip().lower()) if isinstance(site, str) else None
    hint = f" (did you mean {near!r}?)" if near else ""
    raise DoseError(f"unknown site {site!r}{hint}: the sites are {', '.join(SITES)}")


def sites_in(has: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of the sites that any layer has; ``has``: bool (n_layer, n_sites)."""
    return tuple(site for column, site in enumerate(SITES) if has[:, column].any())


def fit_to_model(table: npt.NDArray[np.float32], has: npt.NDArray[np.bool_], strict: bool) -> npt.NDArray[np.float32]:
    """Check that a dose table asks only for sites that the model has.

    A site counts as there if one of the layers that dose it has it: hybrid models have layers without attention.

    Args:
        table: float32 (n_layer, n_sites), largest angles.
        has: bool (n_layer, n_sites), which layers of the model have which sites.
        strict: raise where a site is missing. False: warn, and leave it sober.

    Returns:
        The table, without the doses at missing sites.

    Raises:
        DoseError: naming the missing sites and those that the model has.
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
