"""Checks and changes of the signatures that come from llama-cpp-python."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def with_defaults(upstream: F, **defaults: Any) -> Callable[[Callable[..., Any]], F]:
    """Decorate an override of the method ``upstream``: its signature and documentation stay, some defaults change.

    The override is called with the changed defaults filled in wherever the caller gave nothing.
    """
    signature = inspect.signature(upstream)
    index = {name: list(signature.parameters).index(name) - 1 for name in defaults}  # - 1: without self

    def decorate(override: Callable[..., Any]) -> F:
        @functools.wraps(upstream)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            for name, value in defaults.items():
                if len(args) <= index[name]:
                    kwargs.setdefault(name, value)
            return override(self, *args, **kwargs)

        call.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(default=defaults.get(p.name, p.default)) for p in signature.parameters.values()]
        )
        return cast("F", call)

    return decorate


def keyword_names(function: Callable[..., Any]) -> list[str]:
    """Names that ``function`` takes by keyword, ``self`` and ``**kwargs`` aside."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def check_keywords(kwargs: Mapping[str, Any], known: Iterable[str], doses: Iterable[str]) -> None:
    """Refuse keywords that llama-cpp-python's constructor would swallow without a word.

    Args:
        kwargs: what the caller gave.
        known: every name that is understood.
        doses: names that belong to ``DRUGS``.

    Raises:
        TypeError: naming the first unknown keyword and what was probably meant.
    """
    known, doses = list(known), list(doses)
    for name in kwargs:
        if name not in known:
            raise TypeError(f"Llama() got an unknown argument {name!r}: {_hint(name, known, doses)}")


def _hint(name: str, known: list[str], doses: list[str]) -> str:
    near = difflib.get_close_matches(name, known + doses, n=1)
    if not near:
        return "help(drugs_cpp.Llama) lists the arguments"
    if near[0] in doses:
        return f"give doses as Llama(path, drugs=DRUGS({near[0]}=...))"
    return f"did you mean {near[0]!r}?"
