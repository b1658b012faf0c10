"""``DRUGS``: the doses, as the user sets them."""

from __future__ import annotations

import difflib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from drugs_cpp import _core
from drugs_cpp.dosage import ISOTROPIC, Dosage
from drugs_cpp.errors import DoseError
from drugs_cpp.profile import DoseProfile, Points
from drugs_cpp.sites import SITES, check_site

if TYPE_CHECKING:
    import os

    import llama_cpp
    import numpy as np
    import numpy.typing as npt

    from drugs_cpp.llama import Llama

#: a profile, or its points
Shape = Union[DoseProfile, Points, None]

#: as a constructor argument also points and a mode
ShapeArgument = Union[Shape, "tuple[Points, str]"]


class DRUGS:
    """Doses for a model: how far its vectors may be turned, where, and in which layers.

    Angles are in radians, finite, 0 or more. Changes take effect at the next token, also from another thread: each call
    changes everything it is about at once, or raises and changes nothing.

    Args:
        h_dose, q_dose, k_dose, v_dose, a_dose, pk_dose, pv_dose: largest angle at the site H, Q, K, V, A, pK, pV.
        h_shape, q_shape, k_shape, v_shape, a_shape, pk_shape, pv_shape: how that dose depends on depth: a
            :class:`DoseProfile`, points such as ``[{"depth": 0.3, "peakratio": 0}, {"depth": 1, "peakratio": 1}]``, or
            a pair ``(points, mode)``. None: the full dose in every layer.
        dose_multiplier: factor on all doses.
        noise: how the direction of a turn is drawn. "isotropic": uniform among all that are orthogonal to the vector.
            "reference": from numbers of Uniform(0, 1), so that it leans towards the vector of ones, as in the PyTorch
            reference; the same angle means something else then.
        seed: of the noise and the sampler, 0 to 2**32 - 2. None: every run draws a fresh one.

    Raises:
        DoseError: an angle, profile or multiplier that cannot be used. Also a ``ValueError``.
        SeedError: a seed out of range. Also a ``ValueError``.
        TypeError: an unknown argument.
    """

    __slots__ = ("__weakref__", "_changes", "_dosage", "_lock")

    def __init__(
        self,
        h_dose: float = 0,
        q_dose: float = 0,
        k_dose: float = 0,
        v_dose: float = 0,
        a_dose: float = 0,
        pk_dose: float = 0,
        pv_dose: float = 0,
        *,
        h_shape: ShapeArgument = None,
        q_shape: ShapeArgument = None,
        k_shape: ShapeArgument = None,
        v_shape: ShapeArgument = None,
        a_shape: ShapeArgument = None,
        pk_shape: ShapeArgument = None,
        pv_shape: ShapeArgument = None,
        dose_multiplier: float = 1,
        noise: str = ISOTROPIC,
        seed: int | None = None,
        **unknown: Any,
    ) -> None:
        _refuse(unknown)
        dosage = Dosage().with_multiplier(dose_multiplier).with_noise(noise).with_seed(seed)
        for site, dose in zip(SITES, (h_dose, q_dose, k_dose, v_dose, a_dose, pk_dose, pv_dose)):
            dosage = dosage.with_theta(dose, site)
        for site, shape in zip(SITES, (h_shape, q_shape, k_shape, v_shape, a_shape, pk_shape, pv_shape)):
            dosage = dosage.with_shape(*_points_and_mode(shape), site)
        self._start(dosage)

    def _start(self, dosage: Dosage) -> None:
        self._lock = threading.Lock()
        self._changes = _core.Changes()
        self._dosage = dosage

    def _change(self, change: Callable[[Dosage], Dosage]) -> None:
        # readers take no lock: they see the old value or the new one, whole
        with self._lock:
            self._dosage = change(self._dosage)
            self._changes.add()

    #
    # doses
    #

    def set_dose_theta(self, radians: float, site: str) -> None:
        """Set the largest angle at a site.

        Raises:
            DoseError: not an angle, or no such site.
        """
        self._change(lambda dosage: dosage.with_theta(radians, site))

    def get_dose_theta(self, site: str) -> float:
        """The largest angle at a site in radians, as it was set: without profile and multiplier."""
        return self._dosage.thetas[check_site(site)]

    def set_H_dose_theta(self, radians: float) -> None:
        """Largest angle for the input of the query, key and value projections."""
        self.set_dose_theta(radians, "H")

    def set_Q_dose_theta(self, radians: float) -> None:
        """Largest angle for the query heads."""
        self.set_dose_theta(radians, "Q")

    def set_K_dose_theta(self, radians: float) -> None:
        """Largest angle for cached keys, as each token reads them."""
        self.set_dose_theta(radians, "K")

    def set_V_dose_theta(self, radians: float) -> None:
        """Largest angle for cached values, as each token reads them."""
        self.set_dose_theta(radians, "V")

    def set_A_dose_theta(self, radians: float) -> None:
        """Largest angle for the heads' attention outputs."""
        self.set_dose_theta(radians, "A")

    def set_pK_dose_theta(self, radians: float) -> None:
        """Largest angle for a token's own key heads, on the way into the cache."""
        self.set_dose_theta(radians, "pK")

    def set_pV_dose_theta(self, radians: float) -> None:
        """Largest angle for a token's own value heads, on the way into the cache."""
        self.set_dose_theta(radians, "pV")

    @property
    def dose_multiplier(self) -> float:
        """Factor on all doses."""
        return self._dosage.multiplier

    @dose_multiplier.setter
    def dose_multiplier(self, multiplier: float) -> None:
        self._change(lambda dosage: dosage.with_multiplier(multiplier))

    def set_dose_multiplier(self, multiplier: float) -> None:
        """Set the factor on all doses: finite, 0 or more."""
        self.dose_multiplier = multiplier

    def get_dose_multiplier(self) -> float:
        """Factor on all doses."""
        return self.dose_multiplier

    def detox(self) -> None:
        """Set all doses to 0 and forget all profiles. Multiplier, noise and seed stay."""
        self._change(lambda dosage: Dosage(multiplier=dosage.multiplier, noise=dosage.noise, seed=dosage.seed))

    @property
    def noise(self) -> str:
        """How directions are drawn: "isotropic" or "reference"."""
        return self._dosage.noise

    @noise.setter
    def noise(self, noise: str) -> None:
        self._change(lambda dosage: dosage.with_noise(noise))

    def set_noise(self, noise: str) -> None:
        """Set how directions are drawn: "isotropic" or "reference".

        Raises:
            DoseError: another word.
        """
        self.noise = noise

    #
    # profiles
    #

    def set_dose_shape(self, shape: Shape, mode: str | None = None, *, site: str) -> None:
        """Say how the dose at a site depends on depth.

        Args:
            shape: points ``{"depth": ..., "peakratio": ...}``, a :class:`DoseProfile`, or None for the full dose in
                every layer.
            mode: "interpolate", "ceil" or "floor". None: "interpolate", or what the :class:`DoseProfile` has.
            site: one of ``SITES``.

        Raises:
            DoseError: a malformed profile, an unknown mode or site.
        """
        self._change(lambda dosage: dosage.with_shape(shape, mode, site))

    def get_dose_shape(self, site: str) -> DoseProfile | None:
        """The profile at a site; None is the full dose in every layer."""
        return self._dosage.profiles.get(check_site(site))

    def set_drug_profile(self, shape: Shape, mode: str | None, site: str, dose_theta: float | None = None) -> None:
        """Set the profile at a site and, unless ``dose_theta`` (radians) is None, its dose, in one step."""

        def change(dosage: Dosage) -> Dosage:
            dosage = dosage.with_shape(shape, mode, site)
            return dosage if dose_theta is None else dosage.with_theta(dose_theta, site)

        self._change(change)

    def set_H_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site H: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="H")

    def set_Q_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site Q: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="Q")

    def set_K_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site K: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="K")

    def set_V_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site V: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="V")

    def set_A_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site A: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="A")

    def set_pK_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site pK: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="pK")

    def set_pV_dose_shape(self, shape: Shape, mode: str | None = None) -> None:
        """Profile for site pV: see :meth:`set_dose_shape`."""
        self.set_dose_shape(shape, mode, site="pV")

    #
    # seed
    #

    @property
    def seed(self) -> int | None:
        """Seed of the noise and the sampler; None: every run draws a fresh one."""
        return self._dosage.seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._change(lambda dosage: dosage.with_seed(seed))

    def set_seed(self, seed: int | None) -> None:
        """Set the seed, 0 to 2**32 - 2; None: every run draws a fresh one.

        Raises:
            SeedError: a seed out of range.
        """
        self.seed = seed

    def get_seed(self) -> int | None:
        """The seed that is set, or None."""
        return self.seed

    #
    # what the model gets
    #

    def table(self, n_layer: int) -> npt.NDArray[np.float32]:
        """Largest angle of each layer and site: multiplier * dose * profile's ratio at depth layer / n_layer.

        Args:
            n_layer: number of layers of the model.

        Returns:
            float32 (n_layer, len(SITES)), in radians, columns as in ``SITES``; read-only, and the same array until
            something changes.

        Raises:
            DoseError: fewer than one layer.
        """
        return self._dosage.table(n_layer)

    @property
    def is_sober(self) -> bool:
        """Whether no layer of any model can get an angle above 0."""
        return self._dosage.is_sober

    @property
    def dosage(self) -> Dosage:
        """Everything that is set, as one value that never changes."""
        return self._dosage

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._changes.value

    @property
    def changes(self) -> _core.Changes:
        """The counter behind :attr:`version`, for decoders that run while another thread changes doses."""
        return self._changes

    def inject(self, llm: llama_cpp.Llama) -> Llama:
        """Dose a model that was made as a plain ``llama_cpp.Llama`` after ``import drugs_cpp``.

        Returns:
            ``llm`` itself, which is a :class:`drugs_cpp.Llama` from now on.

        Raises:
            TypeError: ``llm`` is not a ``llama_cpp.Llama``.
        """
        from drugs_cpp.llama import adopt  # here, because that module builds on this one

        return adopt(llm, self)

    #
    # copies
    #

    def assign(self, other: DRUGS) -> None:
        """Take over everything from another object, in one step."""
        dosage = other._dosage
        self._change(lambda _: dosage)

    def copy(self) -> DRUGS:
        """An object of its own with the same doses, profiles, multiplier, noise and seed."""
        twin = DRUGS()
        twin.assign(self)
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values: ``dose_theta``, ``dose_shape``, ``dose_multiplier``, ``noise``, ``seed``."""
        return self._dosage.to_dict()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DRUGS:
        """The inverse of :meth:`to_dict`; whatever is left out is as in ``DRUGS()``.

        Raises:
            DoseError: unknown names, or values that cannot be used.
            SeedError: a seed out of range.
        """
        drugs = cls()
        drugs._dosage = Dosage.from_dict(values)
        return drugs

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DRUGS:
        """Read what :meth:`save` wrote.

        Raises:
            DoseError: the file holds something else.
            FileNotFoundError: there is no such file.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:  # no JSON, no UTF-8, or no doses
            raise DoseError(f"{path} cannot be read as doses: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        return self.to_dict()

    def __setstate__(self, values: dict[str, Any]) -> None:
        self._start(Dosage.from_dict(values))

    def __eq__(self, other: object) -> bool:
        return self._dosage == other._dosage if isinstance(other, DRUGS) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        dosage = self._dosage
        arguments = [f"{site.lower()}_dose={theta!r}" for site, theta in dosage.thetas.items() if theta]
        for site, profile in dosage.profiles.items():
            shape = profile.to_dict()
            arguments.append(f"{site.lower()}_shape=({shape['points']}, {shape['mode']!r})")
        if dosage.multiplier != 1:
            arguments.append(f"dose_multiplier={dosage.multiplier!r}")
        if dosage.noise != ISOTROPIC:
            arguments.append(f"noise={dosage.noise!r}")
        if dosage.seed is not None:
            arguments.append(f"seed={dosage.seed}")
        return f"DRUGS({', '.join(arguments)})"


_KEYWORDS = [f"{site.lower()}_{what}" for what in ("dose", "shape") for site in SITES]
_KEYWORDS += ["dose_multiplier", "noise", "seed"]


def _refuse(unknown: dict[str, Any]) -> None:
    for name in unknown:
        near = difflib.get_close_matches(name.lower(), _KEYWORDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the arguments are {', '.join(_KEYWORDS)}"
        raise TypeError(f"DRUGS() got an unknown argument {name!r}: {hint}")


def _points_and_mode(shape: Any) -> tuple[Any, str | None]:
    """Take a constructor's shape apart: a pair with a mode is told from points by the mode's being text."""
    if isinstance(shape, (tuple, list)) and len(shape) == 2 and isinstance(shape[1], str):
        return shape[0], shape[1]
    return shape, None
