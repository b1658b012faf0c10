"""What :class:`DRUGS` says about noise besides its angles: how it is drawn, what is done with it, and when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from drugs_cpp.doses.hold import Hold, plain_hold

if TYPE_CHECKING:
    from drugs_cpp.doses.course import Course, CourseLike
    from drugs_cpp.doses.dosage import Dosage


class NoiseSettings(ABC):
    """Properties of the noise. Each can be set, even while another thread generates text."""

    __slots__ = ()

    @property
    @abstractmethod
    def dosage(self) -> Dosage:
        """Everything that is set, as one immutable value."""

    @abstractmethod
    def _change(self, change: Callable[[Dosage], Dosage]) -> None:
        """Change everything at once, or raise and change nothing."""

    @property
    def noise(self) -> str:
        """How directions are drawn: "isotropic" or "reference"."""
        return self.dosage.kinds.noise

    @noise.setter
    def noise(self, noise: str) -> None:
        self._change(lambda dosage: dosage.with_kinds(noise=noise))

    @property
    def angle(self) -> str:
        """How angles are drawn: "uniform", "half-normal" or "fixed"."""
        return self.dosage.kinds.angle

    @angle.setter
    def angle(self, angle: str) -> None:
        self._change(lambda dosage: dosage.with_kinds(angle=angle))

    @property
    def turn(self) -> str:
        """What is done with a vector: "rotation", "addition", "nlerp" or "elementwise"."""
        return self.dosage.kinds.turn

    @turn.setter
    def turn(self, turn: str) -> None:
        self._change(lambda dosage: dosage.with_kinds(turn=turn))

    @property
    def apart(self) -> int | None:
        """Which of the seed's mutually orthogonal directions, 1 or more; None: any direction."""
        return self.dosage.kinds.apart

    @apart.setter
    def apart(self, apart: int | None) -> None:
        self._change(lambda dosage: dosage.with_kinds(apart=apart))

    @property
    def course(self) -> Course | None:
        """How all doses rise and fall with the tokens of an answer; None: not at all."""
        return self.dosage.course

    @course.setter
    def course(self, course: CourseLike) -> None:
        self._change(lambda dosage: dosage.with_course(course))

    @property
    def hold(self) -> int | str | dict[str, int | str]:
        """For how many tokens angle and direction stay the same: one value for all sites, or one for each held site."""
        return plain_hold(self.dosage.hold)

    @hold.setter
    def hold(self, hold: Hold) -> None:
        self._change(lambda dosage: dosage.with_hold(hold))

    @property
    def layers(self) -> str:
        """Whether each layer draws its own angles and directions: "own" or "shared"."""
        return self.dosage.layers

    @layers.setter
    def layers(self, layers: str) -> None:
        self._change(lambda dosage: dosage.with_layers(layers))
