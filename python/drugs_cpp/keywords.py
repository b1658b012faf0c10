"""Signatures that name each keyword of a function that takes ``**keywords``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def naming_keywords(parameters: Iterable[inspect.Parameter]) -> Callable[[F], F]:
    """Decorate a function so that its signature has these parameters in place of its ``**keywords``.

    What the function takes stays the same: it gets all of them in one mapping. Type checkers read their types from
    ``Unpack[...]``, and help and editors of a running program from the signature.

    Args:
        parameters: those whose names the function already has are left out.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        names = {p.name for p in own}
        more = (p.replace(kind=p.KEYWORD_ONLY) for p in parameters if p.name not in names)
        named: Any = function
        named.__signature__ = signature.replace(parameters=[*own, *more])
        return function

    return decorate


def optional_keywords(arguments: Any, names: Iterable[str]) -> list[inspect.Parameter]:
    """Return keyword parameters for some names of a ``TypedDict``, all of which may be None.

    Args:
        arguments: the class.
        names: in the order in which to show them.
    """
    types: Mapping[str, Any] = arguments.__annotations__
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, keyword, default=None, annotation=getattr(types[name], "__forward_arg__", types[name]))
        for name in names
    ]
