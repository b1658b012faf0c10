"""Kinds of noise: how directions and angles are drawn, and what is done with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from drugs_cpp.doses.checks import whole_number
from drugs_cpp.errors import DoseError

ISOTROPIC, REFERENCE = "isotropic", "reference"

#: kinds of noise: a uniform direction, or one drawn from numbers that are not centred, as the reference does
NOISES = (ISOTROPIC, REFERENCE)

UNIFORM, HALF_NORMAL, FIXED = "uniform", "half-normal", "fixed"

#: kinds of angle: from 0 to the dose; from half a normal distribution with the same mean; the dose itself
ANGLES = (UNIFORM, HALF_NORMAL, FIXED)

ROTATION, ADDITION, NLERP, ELEMENTWISE = "rotation", "addition", "nlerp", "elementwise"

#: kinds of turn of a vector x by an angle r: a rotation; r |x| is added in the direction; the same, scaled back to
#: the length of x; a number from Uniform(0, dose) is added to each element
TURNS = (ROTATION, ADDITION, NLERP, ELEMENTWISE)

#: sites that draw numbers for each cached position instead of a direction
_CACHED = ("K", "V")

_MOST = 2**31 - 1


@dataclass(frozen=True)
class Kinds:
    """What is drawn, and what is done with it.

    Attributes:
        noise: one of ``NOISES``.
        angle: one of ``ANGLES``.
        turn: one of ``TURNS``.
        apart: 1 or more: which of a seed's mutually orthogonal directions; None: any direction.

    Raises:
        DoseError: an unknown name, any other number, or kinds that do not go together.
    """

    noise: str = ISOTROPIC
    angle: str = UNIFORM
    turn: str = ROTATION
    apart: int | None = None

    def __post_init__(self) -> None:
        for what, value, known in (
            ("noise", self.noise, NOISES),
            ("angle", self.angle, ANGLES),
            ("turn", self.turn, TURNS),
        ):
            if not isinstance(value, str) or value not in known:
                raise DoseError(f"unknown {what} {value!r}: the kinds are {', '.join(known)}")
        object.__setattr__(self, "apart", _check_apart(self.apart))
        if self.turn == ELEMENTWISE and (self.noise != ISOTROPIC or self.angle != UNIFORM):
            raise DoseError('turn="elementwise" draws its own numbers: leave noise and angle out')
        if self.apart and (self.noise != ISOTROPIC or self.turn == ELEMENTWISE):
            raise DoseError('apart has directions of its own: leave noise="reference" and turn="elementwise" out')

    def check_sites(self, dosed: Collection[str]) -> None:
        """Raise a DoseError if these kinds are not possible at one of the sites."""
        cached = [site for site in _CACHED if site in dosed]
        if not cached:
            return
        instead = "dose pK and pV instead"
        if self.turn == ELEMENTWISE:
            raise DoseError(f'turn="elementwise" is not possible at K and V: {instead}')
        if self.turn != ROTATION and self.noise == REFERENCE:
            raise DoseError(
                f'turn="{self.turn}" is not possible at K and V with noise="reference": '
                f'use noise="isotropic", or {instead}'
            )
        if self.apart:
            raise DoseError(f"apart is not possible at K and V, which draw no directions: {instead}")


def _check_apart(apart: object) -> int | None:
    number = whole_number(0 if apart is None else apart, 0, _MOST)
    if number is None:
        raise DoseError(f"apart is {apart!r}: give the number of a direction, 1 or more, or None for any")
    return number or None
