"""What of a prompt is dosed."""

from __future__ import annotations

from typing import Literal, Union

from drugs_cpp.errors import OptionError

#: the last position of a prompt, whose output is the first new token
LAST: Literal["last"] = "last"

#: False: nothing, so the first new token is the sober one. "last": only the last position. True: all of it
Inputs = Union[bool, Literal["last"]]


def check_inputs(given: object) -> Inputs:
    """Return ``given`` if it says what of a prompt is dosed.

    Raises:
        OptionError: something else.
    """
    if isinstance(given, str):
        if given == LAST:
            return LAST
        raise OptionError(f'dose_inputs is {given!r}: give True, False or "last"')
    return bool(given)
