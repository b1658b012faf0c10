"""For how many tokens the angle and direction of a turn stay the same, at each site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Union

from drugs_cpp.doses.checks import whole_number
from drugs_cpp.doses.sites import SITES, check_site
from drugs_cpp.errors import DoseError

#: for the whole text
TEXT = "text"

#: tokens at each of ``SITES``; 0: the whole text
Held = tuple[int, ...]

#: fresh numbers for each token
FRESH: Held = (1,) * len(SITES)

#: what users give: a number of tokens, "text", or either by site
Hold = Union[int, str, Mapping[str, Union[int, str]]]

_MOST = 2**31 - 1


def read_hold(hold: object) -> Held:
    """Return the tokens at each site, from one value for all sites or from ``{site: value}``; sites left out are fresh.

    Raises:
        DoseError: neither a whole number of tokens, 1 or more, nor "text"; or an unknown site.
    """
    if not isinstance(hold, Mapping):
        return (_n_tokens("hold", hold),) * len(SITES)
    given = {check_site(site): _n_tokens(f"the hold of {site}", value) for site, value in hold.items()}
    return tuple(given.get(site, 1) for site in SITES)


def plain_hold(held: Held) -> int | str | dict[str, int | str]:
    """The inverse of :func:`read_hold`, as short as possible."""
    if len(set(held)) == 1:
        return _plain(held[0])
    return {site: _plain(n_tokens) for site, n_tokens in zip(SITES, held) if n_tokens != 1}


def _plain(n_tokens: int) -> int | str:
    return n_tokens or TEXT


def _n_tokens(what: str, value: object) -> int:
    if isinstance(value, str) and value == TEXT:
        return 0
    n_tokens = whole_number(value, 1, _MOST)
    if n_tokens is None:
        raise DoseError(f'{what} is {value!r}: give a whole number of tokens, 1 or more, or "text"')
    return n_tokens
