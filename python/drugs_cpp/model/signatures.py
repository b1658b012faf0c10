"""Checks and changes of signatures that come from llama-cpp-python."""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from drugs_cpp.doses.drugs import meant_argument
from drugs_cpp.engine.extra_samplers import EXTRA_DOCUMENTATION, EXTRA_OPTIONS

R = TypeVar("R")


def with_defaults(upstream: Callable[..., R], **defaults: Any) -> Callable[[Callable[..., Any]], Callable[..., R]]:
    """Decorate an override of the method ``upstream``: keep its signature and documentation, change some defaults.

    ``EXTRA_OPTIONS`` are added after upstream's arguments as keyword-only arguments. The override is called with the
    changed defaults filled in for arguments that the caller left out. Doses belong to the model, so ``drugs`` among the
    arguments raises ``TypeError``.
    """
    signature = signature_with_extras(upstream)
    has_no_result = signature.return_annotation is signature.empty
    index = {name: list(signature.parameters).index(name) - 1 for name in defaults}  # - 1: without self

    def decorate(override: Callable[..., Any]) -> Callable[..., R]:
        @functools.wraps(upstream)
        def call(self: Any, *args: Any, **kwargs: Any) -> R:
            if "drugs" in kwargs:
                drugs = kwargs["drugs"]
                raise TypeError(
                    f"{upstream.__name__}() does not take drugs: write `with llm.dosed({drugs!r}):` around the call, "
                    "or set llm.drugs before it"
                )
            for name, value in defaults.items():
                if len(args) <= index[name]:
                    kwargs.setdefault(name, value)
            result: R = override(self, *args, **kwargs)
            return result

        returned = inspect.signature(override).return_annotation if has_no_result else signature.return_annotation
        call.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(default=defaults.get(p.name, p.default)) for p in signature.parameters.values()],
            return_annotation=returned,
        )
        call.__doc__ = _documentation(upstream, signature, defaults)
        return call

    return decorate


_SEED = (
    "``seed`` is that of the sampler and of the noise. None: that of the doses, otherwise the next one of the model's "
    "chain (``set_seed``), otherwise a fresh one, which -1 always is."
)


def _documentation(upstream: Callable[..., Any], signature: inspect.Signature, defaults: Mapping[str, Any]) -> str:
    """Return upstream's docstring, our additional arguments, and what is different here."""
    notes = [f"``{name}`` is {value:g} by default: the most likely token is taken." for name, value in defaults.items()]
    notes += [_SEED] if "seed" in signature.parameters else []
    note = textwrap.fill(" ".join(notes), 112, initial_indent=" " * 4, subsequent_indent=" " * 4)
    parts = [inspect.cleandoc(upstream.__doc__ or ""), EXTRA_DOCUMENTATION, f"Note:\n{note}"]
    return "\n\n".join(part for part in parts if part)


@functools.cache
def signature_with_extras(upstream: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of one of upstream's methods that choose tokens, with ``EXTRA_OPTIONS`` at its end."""
    signature = inspect.signature(upstream)
    keyword = inspect.Parameter.KEYWORD_ONLY
    extras = [
        inspect.Parameter(name, keyword, default=value, annotation="float") for name, value in EXTRA_OPTIONS.items()
    ]
    return signature.replace(parameters=[*signature.parameters.values(), *extras])


def bound_arguments(upstream: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a method call by name, with its defaults and ``EXTRA_OPTIONS``.

    Args:
        upstream: the method, one of those that choose tokens.
        *args, **kwargs: of the call, without ``self``.

    Raises:
        TypeError: the method does not take them.
    """
    bound = signature_with_extras(upstream).bind(None, *args, **kwargs)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def keyword_names(function: Callable[..., Any]) -> list[str]:
    """Return the names that ``function`` takes by keyword, except ``self`` and ``**kwargs``."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def check_keywords(kwargs: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse keywords that llama-cpp-python's constructor would silently ignore.

    Args:
        kwargs: what the caller gave.
        known: all valid names.

    Raises:
        TypeError: an unknown keyword; the message names the first one and what was probably meant.
    """
    known = list(known)
    for name, value in kwargs.items():
        if name not in known:
            raise TypeError(f"Llama() got an unknown argument {name!r}: {_hint(name, value, known)}")


def _hint(name: str, value: object, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    dose = meant_argument(name, value)
    if dose is not None:
        return f"give doses as Llama(path, drugs=DRUGS({dose}))"
    return "help(drugs_cpp.Llama) lists the arguments"
