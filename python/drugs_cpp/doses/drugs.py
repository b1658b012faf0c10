"""``DRUGS``: the doses, as the user sets them."""

from __future__ import annotations

import difflib
import json
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from drugs_cpp import _core
from drugs_cpp.doses.arguments import DOSE_KEYWORDS
from drugs_cpp.doses.dosage import SETTINGS, STRONG_ANGLE, Dosage, dosage_from_dict, read_shapes
from drugs_cpp.doses.effect_settings import EffectSettings
from drugs_cpp.doses.kinds import ISOTROPIC
from drugs_cpp.doses.noise_settings import NoiseSettings
from drugs_cpp.doses.picture import dosage_html
from drugs_cpp.doses.profile import DoseProfile, Shape
from drugs_cpp.doses.reference import ReferenceNames
from drugs_cpp.doses.sites import SITES, check_site
from drugs_cpp.errors import DoseError, DoseWarning
from drugs_cpp.keywords import naming_keywords

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Unpack

    from drugs_cpp.doses.arguments import DoseArguments


class DRUGS(EffectSettings, NoiseSettings, ReferenceNames):
    """Doses for a model: how far its vectors may be turned, where, and in which layers.

    Angles are in radians, 0 to pi; above 1 there is a :class:`DoseWarning`. Changes take effect at the next token, even
    from another thread. Each call makes its whole change at once, or raises and changes nothing.

    Args:
        values: doses as a mapping, such as ``{"A": 0.3, "seed": 7}``, which is what :meth:`to_dict` returns; or the
            name of an effect. The other arguments override it.
        H, Q, K, V, A, pK, pV, M: largest angle at that site.
        effect: instead of angles, how far the dose moves the probabilities of the next token: "mild", "medium",
            "strong", or the mean KL(sober ‖ dosed) in nats, such as 0.05. The model that gets the dose finds the
            angles. The values given for sites are then proportions; if none are given, the site is A.
        shape: how the dose at a site depends on depth, by site: ``{"A": shape}``. A shape is a :class:`DoseProfile`,
            points such as ``[{"depth": 0.3, "peakratio": 0}, {"depth": 1, "peakratio": 1}]``, or a pair
            ``(points, mode)``. A site that is left out gets its full dose in every layer.
        multiplier: factor on all doses.
        course: how all doses rise and fall with the tokens of an answer: points such as
            ``[{"token": 0, "ratio": 1}, {"token": 40, "ratio": 0.2}]``, counted from the first new token, a pair
            ``(points, mode)`` or a :class:`Course`.
        noise: how the direction of a turn is drawn. "isotropic": uniform among all that are orthogonal to the vector.
            "reference": from numbers of Uniform(0, 1), so that it leans towards the vector of ones, as in the PyTorch
            reference; the same angle then means something else.
        angle: how the angle is drawn. "uniform": from 0 to the dose. "half-normal": from half a normal distribution
            with the same mean. "fixed": the dose itself.
        turn: what is done with a vector x and the angle r. "rotation": x turns by r. "addition": r times the length of
            x is added in the direction. "nlerp": the same, scaled back to the length of x. "elementwise": a number
            from Uniform(0, dose) is added to each element, in the units of x.
        apart: 1 or more: which of the seed's directions to use; they are orthogonal to each other, up to as many as a
            vector has elements. None: any direction.
        hold: for how many tokens the angle and the direction of a turn stay the same: 1, n, or "text" for the whole
            text; for all sites, or by site: ``{"A": "text", "H": 8}``. They change at every position divisible by n.
        layers: "own": each layer draws its own angles and directions. "shared": all layers have the same ones.
        seed: of the noise and the sampler, 0 to 2**32 - 2, for every run that is not given another one. None and -1:
            runs have the seeds that are set for the model (``Llama.set_seed``), or fresh ones.

    Raises:
        DoseError: an angle, shape or multiplier that cannot be used. Also a ``ValueError``.
        SeedError: a seed out of range. Also a ``ValueError``.
        TypeError: an unknown argument.
    """

    __slots__ = ("__weakref__", "_changes", "_dosage", "_lock")

    @naming_keywords(DOSE_KEYWORDS)
    def __init__(self, values: Mapping[str, Any] | str | None = None, /, **arguments: Unpack[DoseArguments]) -> None:
        _refuse_unknown(arguments)
        given: dict[str, Any] = {name: value for name, value in arguments.items() if value is not None}
        dosage = Dosage() if values is None else _dosage_of(values)
        kinds = ("noise", "angle", "turn", "apart")
        dosage = dosage.with_kinds(**{name: given[name] for name in kinds if name in given})
        dosage = dosage.with_course(given["course"]) if "course" in given else dosage
        thetas = {site: given[site] for site in SITES if site in given}
        shapes = read_shapes(given.get("shape", {}))
        dosage = dosage.with_doses(thetas, shapes, given.get("multiplier"), given.get("effect"))
        dosage = dosage.with_hold(given["hold"]) if "hold" in given else dosage
        dosage = dosage.with_layers(given["layers"]) if "layers" in given else dosage
        self._start(dosage.with_seed(given["seed"]) if "seed" in given else dosage)

    def _start(self, dosage: Dosage) -> None:
        self._lock = threading.Lock()
        self._changes = _core.Changes()
        self._dosage = dosage
        _warn_if_strong(Dosage(), dosage)

    def _change(self, change: Callable[[Dosage], Dosage]) -> None:
        # readers take no lock: they see either the old value or the new one, never a mixture
        with self._lock:
            old, self._dosage = self._dosage, change(self._dosage)
            new = self._dosage
            self._changes.add()
        _warn_if_strong(old, new)

    #
    # doses
    #

    def set_dose_theta(self, radians: float, site: str) -> None:
        """Set the largest angle at a site. This removes an effect if one is set.

        Raises:
            DoseError: not an angle, or an unknown site.
        """
        self._change(lambda dosage: dosage.with_theta(radians, site))

    def get_dose_theta(self, site: str) -> float:
        """Return the largest angle at a site in radians, as it was set, without shape and multiplier."""
        return self._dosage.thetas[check_site(site)]

    @property
    def multiplier(self) -> float:
        """Factor on all doses: finite, 0 or more."""
        return self._dosage.multiplier

    @multiplier.setter
    def multiplier(self, multiplier: float) -> None:
        self._change(lambda dosage: dosage.with_multiplier(multiplier))

    def detox(self) -> None:
        """Set all doses to 0 and remove all shapes and the course. Everything else stays."""
        sober = Dosage()
        self._change(
            lambda dosage: replace(dosage, thetas=sober.thetas, profiles=sober.profiles, course=None, effect=None)
        )

    #
    # shapes
    #

    def set_dose_shape(self, shape: Shape, mode: str | None = None, *, site: str) -> None:
        """Set how the dose at a site depends on depth.

        Args:
            shape: points ``{"depth": ..., "peakratio": ...}``, a :class:`DoseProfile`, or None for the full dose in
                every layer.
            mode: "interpolate", "ceil" or "floor". None: "interpolate", or the mode of the :class:`DoseProfile`.
            site: one of ``SITES``.

        Raises:
            DoseError: a malformed shape, an unknown mode or site.
        """
        self._change(lambda dosage: dosage.with_shape(shape, mode, site))

    def get_dose_shape(self, site: str) -> DoseProfile | None:
        """Return the shape at a site; None is the full dose in every layer."""
        return self._dosage.profiles.get(check_site(site))

    def set_drug_profile(self, shape: Shape, mode: str | None, site: str, dose_theta: float | None = None) -> None:
        """Set the shape at a site and, unless ``dose_theta`` (radians) is None, its dose, in one step."""
        site = check_site(site)
        shapes = {site: (shape, mode)}
        if dose_theta is None:
            self._change(lambda dosage: dosage.with_doses({}, shapes))
        else:
            self._change(lambda dosage: dosage.without_effect().with_doses({site: dose_theta}, shapes))

    #
    # seed
    #

    @property
    def seed(self) -> int | None:
        """Seed of the noise and the sampler in every run; None: the model's seed, or a fresh one."""
        return self._dosage.seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._change(lambda dosage: dosage.with_seed(seed))

    def set_seed(self, seed: int | None) -> None:
        """Set the seed of every run, 0 to 2**32 - 2; None and -1: runs have the model's seed, or fresh ones.

        Raises:
            SeedError: a seed out of range.
        """
        self.seed = seed

    #
    # what the model gets
    #

    def table(self, n_layer: int) -> npt.NDArray[np.float32]:
        """Return the largest angle of each layer and site: multiplier * dose * shape's ratio at depth layer / n_layer.

        Args:
            n_layer: number of layers of the model.

        Returns:
            float32 (n_layer, len(SITES)), in radians, columns as in ``SITES``; read-only, and the same array until
            something changes.

        Raises:
            DoseError: fewer than one layer; the dose is given by its effect.
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
        """The counter of :attr:`version`, for decoders that run while another thread changes doses."""
        return self._changes

    #
    # copies
    #

    def assign(self, other: DRUGS | Mapping[str, Any]) -> None:
        """Take over everything from another object, in one step."""
        dosage = as_drugs(other).dosage
        self._change(lambda _: dosage)

    def copy(self) -> DRUGS:
        """Return a separate object with the same doses and settings."""
        twin = DRUGS()
        twin.assign(self)
        return twin

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, as in a server's field ``drugs``: ``{"A": 0.3, ..., "seed": 7}``."""
        return self._dosage.to_dict()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | str) -> DRUGS:
        """The inverse of :meth:`to_dict`. What is left out is as in ``DRUGS()``. A string is the name of an effect.

        Raises:
            DoseError: unknown names, or values that cannot be used.
            SeedError: a seed out of range.
        """
        if not isinstance(values, (Mapping, str)):
            raise DoseError(f"doses: {values!r} is not a mapping of names to values")
        return cls(values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file, which ``drugs --dose-profile`` also reads."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DRUGS:
        """Read what :meth:`save` wrote.

        Raises:
            DoseError: the file holds something else.
            FileNotFoundError: there is no such file.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8-sig")))
        except ValueError as error:  # not JSON, not UTF-8, or not doses
            raise DoseError(f"{path} cannot be read as doses: {error}") from error
        except RecursionError:
            raise DoseError(f"{path} cannot be read as doses: it is nested too deeply") from None

    def __getstate__(self) -> dict[str, Any]:
        return self.to_dict()

    def __setstate__(self, values: dict[str, Any]) -> None:
        self._start(dosage_from_dict(values))

    def __eq__(self, other: object) -> bool:
        return self._dosage == other.dosage if isinstance(other, DRUGS) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        values = self.to_dict()
        if values["noise"] == ISOTROPIC:
            del values["noise"]
        arguments = [f"{name}={value!r}" for name, value in values.items() if value is not None]
        return f"DRUGS({', '.join(arguments)})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return dosage_html(self._dosage)


def _warn_if_strong(old: Dosage, new: Dosage) -> None:
    if new.is_strong and not old.is_strong:
        message = f"a dose above {STRONG_ANGLE:g} radian: most models write nonsense then"
        warnings.warn(message, DoseWarning, stacklevel=4)


#: what is accepted as doses: None is sober, a string is the name of an effect
DrugsLike = Union[DRUGS, Mapping[str, Any], str, None]


def as_drugs(drugs: object) -> DRUGS:
    """Return doses as a :class:`DRUGS`: the object itself, or one made from a mapping such as ``{"A": 0.3}`` or from
    the name of an effect such as "mild"; None is sober.

    Raises:
        TypeError: something else.
        DoseError: a mapping that cannot be used.
    """
    if isinstance(drugs, DRUGS):
        return drugs
    if drugs is None:
        return DRUGS()
    if isinstance(drugs, (Mapping, str)):
        return DRUGS.from_dict(drugs)
    raise TypeError(f"drugs is {drugs!r}: give doses such as DRUGS(A=0.1), {{'A': 0.1}} or 'mild'")


_ARGUMENTS = [*SITES, *SETTINGS]

#: what an argument may be called elsewhere, or its name in lower case -> how to give it
_OTHER_NAMES = {
    **{argument: f"{argument}={{}}" for argument in _ARGUMENTS if argument not in SITES},
    **{site.lower(): f"{site}={{}}" for site in SITES},
    **{f"{site.lower()}_dose": f"{site}={{}}" for site in SITES},
    **{f"{site.lower()}_shape": f'shape={{{{"{site}": ...}}}}' for site in SITES},
    "dose_multiplier": "multiplier={}",
    "dose_shape": "shape={}",
}


def _dosage_of(values: object) -> Dosage:
    if isinstance(values, str):
        return Dosage().with_effect(values)
    if not isinstance(values, Mapping):
        raise TypeError(f"DRUGS({values!r}): name the site, such as DRUGS(A={values!r})")
    return dosage_from_dict(values)


def meant_argument(name: str, value: object) -> str | None:
    """Guess what an unknown argument was meant to be: "A=0.3" for ``a_dose=0.3`` and ``a=0.3``; None: no guess."""
    near = difflib.get_close_matches(name.lower(), _OTHER_NAMES, n=1)
    return _OTHER_NAMES[near[0]].format(repr(value)) if near else None


def _refuse_unknown(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if name in _ARGUMENTS:
            continue
        meant = meant_argument(name, value)
        hint = f"the arguments are {', '.join(_ARGUMENTS)}" if meant is None else f"did you mean DRUGS({meant})?"
        raise TypeError(f"DRUGS() got an unknown argument {name!r}: {hint}")
