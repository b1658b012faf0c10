"""The sites: the places in a layer where vectors are turned."""

from __future__ import annotations

from collections.abc import Iterable

from drugs_cpp.errors import DoseError

#: name of each site -> the vectors that are turned there
SITE_MEANING = {
    "H": "the input of the query, key and value projections, one vector of n_embd numbers per token",
    "Q": "the query heads, one vector of a head's length per head and token",
    "K": "every cached key past the sink, afresh for each query head and token; the cache stays as it was",
    "V": "every cached value past the sink, in the same way",
    "A": "each head's attention output, before the output projection",
    "pK": "the token's own key heads, once, on the way into the cache",
    "pV": "the token's own value heads, once, on the way into the cache",
    "M": "the MLP's activations, the input of its down projection; in a mixture of experts those of each chosen one",
}

#: names of the sites, in the order of a dose table's columns
SITES = tuple(SITE_MEANING)


def check_sites(sites: object) -> list[str]:
    """Return the sites that are named: one or several.

    Raises:
        DoseError: an unknown site, or none at all.
    """
    if isinstance(sites, str) or not isinstance(sites, Iterable):
        return [check_site(sites)]
    found = [check_site(site) for site in sites]
    if not found:
        raise DoseError(f"no site is named: give one of {', '.join(SITES)}, or several")
    return found


def check_site(site: object) -> str:
    """Return ``site`` if there is such a site.

    Raises:
        DoseError: an unknown site; the message lists the existing ones.
    """
    if isinstance(site, str) and site in SITE_MEANING:
        return site
    raise DoseError(f"unknown site {site!r}{site_hint(site)}: the sites are {', '.join(SITES)}")


def site_hint(name: object) -> str:
    """Return a part of a message that names the site that was meant, or nothing."""
    by_lower_case = {site.lower(): site for site in SITES}
    near = by_lower_case.get(name.strip().lower()) if isinstance(name, str) else None
    return f" (did you mean {near!r}?)" if near else ""
