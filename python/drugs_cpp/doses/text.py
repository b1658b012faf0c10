"""Doses as users type them: ``A=0.3,H=0.1``, and how long they are held: ``A=text,H=8``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drugs_cpp.doses.dosage import Dosage, dosage_from_dict
from drugs_cpp.doses.effect import EFFECTS, plain_effect
from drugs_cpp.doses.hold import Hold, read_hold
from drugs_cpp.doses.sites import check_site
from drugs_cpp.errors import DoseError, DrugsError

SOBER = "sober"


def read_doses(text: str) -> dict[str, Any]:
    """Return arguments of :class:`DRUGS` from ``A=0.3,H=0.1``, in radians, ``mild`` or ``effect=0.05``, in nats.

    Spaces also separate.

    Raises:
        DoseError: something else, an unknown site, or an angle that cannot be used.
    """
    doses: dict[str, Any] = {}
    for part in text.replace(",", " ").split():
        site, equals, angle = part.partition("=")
        if not equals or site == "effect":
            if "effect" in doses:
                raise DoseError(f"a dose has one effect: give {doses['effect']} or {angle or part}")
            doses["effect"] = _effect(part, angle)
            continue
        try:
            radians = float(angle)
        except ValueError:
            raise DoseError(f"{angle!r} in {part!r} is not an angle: give radians, such as 0.2") from None
        doses[check_site(site)] = radians
    if not doses:
        raise DoseError(f"{text!r} holds no dose: give SITE=ANGLE, such as A=0.2")
    dosage_from_dict(doses)
    return doses


def _effect(part: str, nats: str) -> str | float:
    """Return a name or nats from ``mild``, ``effect=mild`` or ``effect=0.05``; ``nats``: what is after the ``=``."""
    if (nats or part) in EFFECTS:
        return nats or part
    try:
        return float(nats)
    except ValueError:
        pass
    names = ", ".join(EFFECTS)
    raise DoseError(f"{part!r} is not a dose: give SITE=ANGLE, such as A=0.2, or {names}, or nats as effect=0.05")


def read_held(text: str) -> Hold:
    """Return a hold from ``text``, ``8`` or ``A=text,H=8``.

    Raises:
        DoseError: something else, or an unknown site.
    """
    parts = text.replace(",", " ").split()
    held: Hold = _n_held(text.strip()) if "=" not in text else dict(map(_site_and_held, parts))
    read_hold(held)
    return held


def _site_and_held(part: str) -> tuple[str, int | str]:
    site, equals, n_tokens = part.partition("=")
    if not equals:
        raise DoseError(f"{part!r} is not a hold: give SITE=TOKENS, such as A=text or H=8")
    return site, _n_held(n_tokens)


def _n_held(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def write_doses(dosage: Dosage) -> str:
    """Return ``A=0.3, H=0.1``, ``mild at A=1``, or ``sober``. Shapes and multiplier are left out."""
    if dosage.effect is not None:
        return f"{_shown_effect(dosage.effect)} at {write_doses(replace(dosage, effect=None))}"
    return ", ".join(f"{site}={theta:g}" for site, theta in dosage.thetas.items() if theta) or SOBER


def _shown_effect(kl: float) -> str:
    effect = plain_effect(kl)
    return effect if isinstance(effect, str) else f"{effect:g} nats"


def describe_doses(values: object) -> str:
    """Describe plain values, which an answer or a file gives as its doses, in the style of :func:`write_doses`.

    Returns:
        ``medium, A=0.368`` if a model has found the angles; ``sober`` also if a multiplier, shape or course makes them
        all 0; ``?`` if they are not doses.
    """
    try:
        dosage = dosage_from_dict(values)
        if isinstance(values, Mapping) and values.get("source") is not None and dosage.effect is not None:
            angles = dosage_from_dict({name: value for name, value in values.items() if name != "effect"})
            return f"{_shown_effect(dosage.effect)}, {write_doses(angles)}"
    except DrugsError:
        return "?"
    return SOBER if dosage.is_sober else write_doses(dosage)
