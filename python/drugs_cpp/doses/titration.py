"""``Titration``: a dose that was found by its effect on a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drugs_cpp.doses.dosage import MAX_ANGLE, Dosage, dosage_from_dict
from drugs_cpp.doses.drugs import DRUGS
from drugs_cpp.doses.sites import SITES
from drugs_cpp.doses.text import write_doses

#: how it was found: measured on this computer; measured by us and shipped; estimated from other models
CALIBRATED, TABLE, ESTIMATED = "calibrated", "table", "estimated"

_NUMBERS = ("target", "angle", "error", "kl", "kl_error", "floor", "changed", "perplexity")


@dataclass(frozen=True)
class Titration:
    """A dose that was found by its effect on a model.

    Attributes:
        target: the requested effect: mean KL(sober ‖ dosed) of the next token, in nats.
        angle: the largest angle that any layer gets at any of its sites, in radians.
        error: standard error of the angle, in radians, from that of the KL.
        kl: the KL measured at that angle, in nats.
        kl_error: its standard error over the seeds.
        floor: the KL under next to no dose, in nats: what rounding alone does.
        changed: share of the tokens after which another token is the most likely one.
        perplexity: of the texts under the dose, divided by that of the sober model.
        dosage: the dose, with angles.
        source: "calibrated": measured with this file, on this computer. "table": measured with this file by the authors
            of this package. "estimated": not measured; the angle is derived from other models, and everything else is
            NaN.
    """

    target: float
    angle: float
    error: float
    kl: float
    kl_error: float
    floor: float
    changed: float
    perplexity: float
    dosage: Dosage
    source: str = CALIBRATED

    @property
    def drugs(self) -> DRUGS:
        """The dose with its angles, to be given to a model or saved."""
        return DRUGS(self.dosage.to_dict())

    def __str__(self) -> str:
        if self.source == ESTIMATED:
            return f"{write_doses(self.dosage)} radians, estimated for {self.target:g} nats"
        found = f"{write_doses(self.dosage)} ± {self.error:.2g} radians, {self.source}"
        effect = f"{self.kl:.3g} ± {self.kl_error:.1g} nats, {100 * self.changed:.1f} % of the tokens changed"
        return f"{found}: {effect}, perplexity x {self.perplexity:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as in JSON, without the source."""
        values = asdict(self)
        dose = {name: value for name, value in self.dosage.to_dict().items() if name != "seed"}
        return {"dose": dose, **{name: float(f"{values[name]:.6g}") for name in _NUMBERS}}


def titration_of(values: Mapping[str, Any], source: str) -> Titration:
    """The inverse of ``to_dict``.

    Raises:
        LookupError, TypeError, ValueError: the values are something else, or cannot come from a measurement.
    """
    numbers = {name: float(values[name]) for name in _NUMBERS}
    dosage = dosage_from_dict(values["dose"])
    is_found = all(map(math.isfinite, numbers.values())) and numbers["kl"] > numbers["floor"] >= 0 < numbers["target"]
    if not is_found or not 0 < numbers["angle"] <= MAX_ANGLE or dosage.effect is not None or dosage.is_sober:
        raise ValueError(f"{dict(values)!r} is not a dose that was measured")
    return Titration(**numbers, dosage=dosage, source=source)


def dose_key(dosage: Dosage) -> str:
    """Return the same key for doses that differ only in their angles' size, multiplier, course, seed or effect."""
    values = dosage.proportions.to_dict()
    values.pop("apart", None)  # chooses a direction
    rounded = {name: float(f"{value:.4g}") if name in SITES else value for name, value in values.items()}
    return json.dumps(rounded, sort_keys=True)
