"""Aliases with the names of the PyTorch reference (https://github.com/EGjoni/DRUGS), so that code for it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drugs_cpp.doses.profile import Shape

#: what ``inject`` calls; the layer that has models registers it
_injectors: list[Callable[[Any, Any], Any]] = []


def register_injector(injector: Callable[[Any, Any], Any]) -> None:
    """Make ``drugs.inject(model)`` call ``injector(model, drugs)``."""
    _injectors[:] = [injector]


class ReferenceNames(ABC):
    """Aliases of :class:`drugs_cpp.DRUGS`."""

    __slots__ = ()

    @property
    @abstractmethod
    def multiplier(self) -> float: ...

    @multiplier.setter
    @abstractmethod
    def multiplier(self, multiplier: float) -> None: ...

    @abstractmethod
    def set_dose_theta(self, radians: float, site: str) -> None: ...

    @abstractmethod
    def set_dose_shape(self, shape: Shape, mode: str | None = None, *, site: str) -> None: ...

    @abstractmethod
    def set_drug_profile(self, shape: Shape, mode: str | None, site: str, dose_theta: float | None = None) -> None: ...

    def set_H_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "H")``."""
        self.set_dose_theta(radians, "H")

    def set_Q_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "Q")``."""
        self.set_dose_theta(radians, "Q")

    def set_K_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "K")``."""
        self.set_dose_theta(radians, "K")

    def set_V_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "V")``."""
        self.set_dose_theta(radians, "V")

    def set_A_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "A")``."""
        self.set_dose_theta(radians, "A")

    def set_pK_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "pK")``."""
        self.set_dose_theta(radians, "pK")

    def set_pV_dose_theta(self, radians: float) -> None:
        """``set_dose_theta(radians, "pV")``."""
        self.set_dose_theta(radians, "pV")

    def set_H_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="H")``."""
        self.set_dose_shape(shape, mode, site="H")

    def set_Q_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="Q")``."""
        self.set_dose_shape(shape, mode, site="Q")

    def set_K_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="K")``."""
        self.set_dose_shape(shape, mode, site="K")

    def set_V_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="V")``."""
        self.set_dose_shape(shape, mode, site="V")

    def set_A_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="A")``."""
        self.set_dose_shape(shape, mode, site="A")

    def set_pK_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="pK")``."""
        self.set_dose_shape(shape, mode, site="pK")

    def set_pV_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """``set_dose_shape(shape, mode, site="pV")``."""
        self.set_dose_shape(shape, mode, site="pV")

    def set_dose_multiplier(self, multiplier: float) -> None:
        """``multiplier = multiplier``."""
        self.multiplier = multiplier

    def get_dose_multiplier(self) -> float:
        """``multiplier``."""
        return self.multiplier

    def inject(self, model: Any) -> Any:
        """``Llama.adopt(model, self)``: dose a plain ``llama_cpp.Llama``.

        Raises:
            TypeError: not a ``llama_cpp.Llama``.
        """
        return _injectors[0](model, self)
