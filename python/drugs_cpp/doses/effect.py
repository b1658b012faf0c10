"""A dose by its effect: how far it moves the probabilities of the next token, whatever angle that takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drugs_cpp import _core
from drugs_cpp.doses.checks import check_finite
from drugs_cpp.errors import DoseError

#: mean KL(sober ‖ dosed) of the next token in nats, by name
EFFECTS: Mapping[str, float] = MappingProxyType(dict(_core.effect_names()))

#: site of an effect that is given without one
EFFECT_SITE = _core.effect_site()


def read_effect(effect: object) -> float:
    """Return an effect in nats, from a name or a number.

    Raises:
        DoseError: an unknown name, or not a positive number.
    """
    names = ", ".join(EFFECTS)
    if isinstance(effect, str):
        if effect not in EFFECTS:
            angles = ", or angles such as {'A': 0.3}" if "=" in effect else ""
            raise DoseError(f"unknown effect {effect!r}: give {names}, or a number of nats such as 0.05{angles}")
        return EFFECTS[effect]
    kl = check_finite("the effect (nats)", effect)
    if kl <= 0:
        raise DoseError(f"the effect is {kl:g} nats: give {names}, or more than 0 nats, such as 0.05")
    return kl


def plain_effect(kl: float) -> str | float:
    """The inverse of :func:`read_effect`: a name if there is one."""
    return next((name for name, nats in EFFECTS.items() if nats == kl), kl)
