"""Passes our sampler options around upstream's methods, which do not know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import llama_cpp

from drugs_cpp.engine.extra_samplers import EXTRA_OPTIONS
from drugs_cpp.engine.sampling import check_numbers


def without_extras(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that upstream knows, and those of ``EXTRA_OPTIONS``."""
    own = {name: value for name, value in asked.items() if name not in EXTRA_OPTIONS}
    return own, {name: value for name, value in asked.items() if name in EXTRA_OPTIONS}


def call_upstream(
    llm: llama_cpp.Llama, method: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Call a method of upstream that eventually completes a text, with our options.

    Args:
        llm: the model.
        method: bound to it; called directly if all our options have their default values.
        name: of the same method.
        args, kwargs: of the call.

    Raises:
        OptionError: an option of ours that cannot be used.
    """
    own, extras = without_extras(kwargs)
    check_numbers(extras)
    if all(value == EXTRA_OPTIONS[name] for name, value in extras.items()):
        return method(*args, **own)
    view: Any = _Completing(llm, extras)
    return getattr(llama_cpp.Llama, name)(view, *args, **own)


class _Completing:
    """The model as upstream's code and chat handlers see it: its completions get our additional options."""

    def __init__(self, llm: llama_cpp.Llama, extras: Mapping[str, Any]) -> None:
        vars(self).update(_llm=llm, _extras=extras)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    def __setattr__(self, name: str, value: object) -> None:
        """Set attributes of the model: image handlers change what is in the cache."""
        setattr(self._llm, name, value)

    def create_completion(self, *args: Any, **kwargs: Any) -> Any:
        return self._llm.create_completion(*args, **kwargs, **self._extras)

    def _create_completion(self, *args: Any, **kwargs: Any) -> Any:
        return self._llm._create_completion(*args, **kwargs, **self._extras)
