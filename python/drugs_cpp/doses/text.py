"""Doses as people type them: ``A=0.3,H=0.1``."""

from __future__ import annotations

from drugs_cpp.doses.dosage import Dosage
from drugs_cpp.errors import DoseError


def read_doses(text: str) -> dict[str, float]:
    """Site -> largest angle in radians, from ``A=0.3,H=0.1``; spaces separate as commas do.

    Raises:
        DoseError: something else, a site that there is not, or an angle that cannot be used.
    """
    doses: dict[str, float] = {}
    for part in text.replace(",", " ").split():
        site, equals, angle = part.partition("=")
        if not equals:
            raise DoseError(f"{part!r} is not a dose: give SITE=ANGLE, such as A=0.2")
        try:
            radians = float(angle)
        except ValueError:
            raise DoseError(f"{angle!r} in {part!r} is not an angle: give radians, such as 0.2") from None
        Dosage().with_theta(radians, site)
        doses[site] = radians
    if not doses:
        raise DoseError(f"{text!r} holds no dose: give SITE=ANGLE, such as A=0.2")
    return doses


def write_doses(dosage: Dosage) -> str:
    """``A=0.3, H=0.1``, or ``sober``; shapes and multiplier are left out."""
    return ", ".join(f"{site}={theta:g}" for site, theta in dosage.thetas.items() if theta) or "sober"
